// SPDX-License-Identifier: Apache-2.0
//
// One grid of tests, all back ends: every path of the CPU, the GPU kernels on the executor with both wave sizes, and a real GPU when
// HEARTH_TEST_GPU=1 is set. A back end that is not there says why, and its rows are skipped with that reason.
// DeviceTensor puts numbers where a back end can read them and gets them back.
#pragma once

#include "kernel_fixture.h"

#include "kernels/backend.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace hearth::test {
class ExecutorRuntime;
}

namespace hearth::kernels {

enum class TestDevice : std::uint8_t { Portable, Avx2, Avx2Vnni, Avx512, Avx512Vnni, Executor32, Executor64, Gfx90a, Gfx1100, Gfx1200, Gpu };

inline constexpr TestDevice kAllDevices[] = {TestDevice::Portable,   TestDevice::Avx2,       TestDevice::Avx2Vnni,   TestDevice::Avx512,
                                             TestDevice::Avx512Vnni, TestDevice::Executor32, TestDevice::Executor64, TestDevice::Gpu};

/// The executor over AMD's own words, where products of many rows and attention of prompts use matrix instructions.
inline constexpr TestDevice kMatrixFamilies[] = {TestDevice::Gfx90a, TestDevice::Gfx1100, TestDevice::Gfx1200};

[[nodiscard]] const char* deviceName(TestDevice device);

/// How a product's error is bounded (kernels/ops/matmul.h).
enum class ProductKind : std::uint8_t {
    Float,        ///< f32 sums over x itself
    Rounded,      ///< x in 8 bits, and the sum over that
    RoundedTwice, ///< x in 8 bits and the rest in 8 bits
    Half,         ///< weights and x in f16
};

enum class Recording : bool { Off, On }; ///< of steps that are computed again (StepInfo)

class TestBackend {
public:
    /// Executors are made anew, so that no row sees what another left behind; the others are made once.
    explicit TestBackend(TestDevice device, Recording recording = Recording::Off);
    /// Fails the running test when the executor saw a mistake or something was not given back.
    ~TestBackend();
    TestBackend(const TestBackend&) = delete;
    TestBackend& operator=(const TestBackend&) = delete;

    [[nodiscard]] TestDevice device() const { return m_device; }
    [[nodiscard]] bool present() const { return m_backend != nullptr; }
    [[nodiscard]] const std::string& absence() const { return m_absence; }
    [[nodiscard]] Backend& backend() const { return *m_backend; }
    Backend* operator->() const { return m_backend; }
    [[nodiscard]] bool isCpu() const { return m_device < TestDevice::Executor32; }
    [[nodiscard]] bool isExecutor() const { return m_executor != nullptr; }
    [[nodiscard]] test::ExecutorRuntime& executor() const { return *m_executor; }

    /// How this back end multiplies a weight of `cols` columns with `rows` rows of x.
    [[nodiscard]] ProductKind productKind(DType dtype, std::int64_t cols, std::int64_t rows) const;

private:
    TestDevice m_device;
    Backend* m_backend = nullptr;
    std::string m_absence;
    std::unique_ptr<test::ExecutorRuntime> m_executor;
    std::unique_ptr<Backend> m_owned;
};

/// Numbers in a back end's memory. On the CPU they end directly before forbidden memory, like those of the executor.
class DeviceTensor {
public:
    /// Filled with NaN (I32: -1), so that what nobody writes shows.
    DeviceTensor(const TestBackend& on, DType dtype, std::array<std::int64_t, 3> shape);
    DeviceTensor(const TestBackend& on, const TensorView& like)
        : DeviceTensor(on, like.dtype, like.shape) {}
    DeviceTensor(const TestBackend& on, std::span<const float> values, std::int64_t rows);
    DeviceTensor(const TestBackend& on, std::span<const std::int32_t> values, std::int64_t rows);

    [[nodiscard]] const TensorView& view() const { return m_view; }
    operator const TensorView&() const { return m_view; } // NOLINT: it stands for its view
    [[nodiscard]] void* data() const { return m_view.data; }

    void write(std::span<const std::byte> bytes) const;
    template <typename Value = float>
    [[nodiscard]] std::vector<Value> read() const {
        static_assert(std::is_trivially_copyable_v<Value>);
        std::vector<Value> values(m_view.bytes() / sizeof(Value));
        readBytes(std::as_writable_bytes(std::span(values)));
        return values;
    }

private:
    void readBytes(std::span<std::byte> to) const;

    Backend& m_backend;
    TensorView m_view;
    std::unique_ptr<GuardedBytes> m_guarded;
    std::unique_ptr<Buffer> m_buffer;
};

/// A weight from file bytes; they must outlive it.
[[nodiscard]] TensorView adopted(const TestBackend& on, DType dtype, std::array<std::int64_t, 3> shape, std::span<const std::byte> fileBytes);

/// A back end of its own on a real GPU, through the loader; null with the reason. Only asked for with HEARTH_TEST_GPU=1.
[[nodiscard]] std::unique_ptr<Backend> openRealGpu(std::string& absence);

} // namespace hearth::kernels

/// In a test with a column "device": declares `on`, or skips the row.
#define BACKEND_OR_SKIP                                                                                                \
    QFETCH(int, device);                                                                                               \
    const TestBackend on(static_cast<TestDevice>(device));                                                             \
    if (!on.present()) QSKIP(on.absence().c_str())
