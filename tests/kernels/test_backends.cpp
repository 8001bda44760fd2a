// SPDX-License-Identifier: Apache-2.0
#include "test_backends.h"

#include "kernels/backend_loader.h"
#include "kernels/hip/hip_backend.h"
#include "tests/support/gpu_executor/executor_runtime.h"
#include "tests/support/gpu_executor/executor_tables.h"

#include <QTest>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace hearth::kernels {

namespace {

constexpr std::int64_t kDecodeRows = 8; ///< of x: up to so many are multiplied in 8 bits by a GPU

CpuPath pathOf(TestDevice device) {
    return kAllPaths[static_cast<std::size_t>(device)];
}

bool isFloat(DType dtype) {
    return info(dtype).elementsPerBlock == 1;
}

std::optional<hearth_executor::KernelTable> kernelsOf(TestDevice device) {
    switch (device) {
    case TestDevice::Executor32: return hearth_executor::hearth_executor_kernels_wave32();
    case TestDevice::Executor64: return hearth_executor::hearth_executor_kernels_wave64();
    case TestDevice::Gfx90a: return hearth_executor::amdKernels("gfx90a");
    case TestDevice::Gfx1100: return hearth_executor::amdKernels("gfx1100");
    case TestDevice::Gfx1200: return hearth_executor::amdKernels("gfx1200");
    default: return std::nullopt;
    }
}

} // namespace

const char* deviceName(TestDevice device) {
    switch (device) {
    case TestDevice::Executor32: return "executor, waves of 32";
    case TestDevice::Executor64: return "executor, waves of 64";
    case TestDevice::Gfx90a: return "executor, gfx90a";
    case TestDevice::Gfx1100: return "executor, gfx1100";
    case TestDevice::Gfx1200: return "executor, gfx1200";
    case TestDevice::Gpu: return "GPU";
    default: return cpuPathName(pathOf(device));
    }
}

std::unique_ptr<Backend> openRealGpu(std::string& absence) {
    static BackendLoader loader;
    const char* const asked = std::getenv("HEARTH_TEST_GPU");
    if (asked == nullptr || std::strcmp(asked, "1") != 0) {
        absence = "HEARTH_TEST_GPU=1 is not set";
        return nullptr;
    }
    absence = loader.module().reason == GpuReason::Ok ? "no runtime shows a GPU that has a code object"
                                                      : "no GPU module: " + loader.module().detail;
    for (const GpuDeviceState& state : loader.list(requestedGpuApis()).devices) {
        if (state.reason != GpuReason::Ok) continue;
        Status status;
        if (auto backend = loader.create(state.api, state.index, status)) return backend;
        absence = state.properties.name + ": " + status.place;
    }
    return nullptr;
}

TestBackend::TestBackend(TestDevice device, Recording recording)
    : m_device(device) {
    if (isCpu()) {
        m_backend = backendFor(pathOf(device));
        if (m_backend == nullptr) m_absence = std::string("this processor has no ") + deviceName(device);
        return;
    }
    if (device == TestDevice::Gpu) {
        static std::string absence;
        static const std::unique_ptr<Backend> gpu = openRealGpu(absence);
        m_backend = gpu.get();
        m_absence = absence;
        return;
    }
    const auto kernels = kernelsOf(device);
    if (!kernels) {
        m_absence = "no clang was there to compile AMD's words";
        return;
    }
    m_executor = std::make_unique<test::ExecutorRuntime>(*kernels);
    Status status;
    m_owned = createHipBackend(*m_executor, m_executor->codeObject(), {.weightSlabBytes = 0, .bandwidthBytes = std::uint64_t{1} << 20, .recordSteps = recording == Recording::On}, status);
    m_backend = m_owned.get();
    if (m_backend == nullptr) QTest::qFail("no back end on the executor", __FILE__, __LINE__);
}

TestBackend::~TestBackend() {
    if (m_executor == nullptr) return;
    m_owned.reset();
    if (!m_executor->fault().empty()) QTest::qFail(m_executor->fault().c_str(), __FILE__, __LINE__);
    if (m_executor->livingResources() != 0) {
        const std::string left = std::to_string(m_executor->livingResources()) + " GPU resources were not given back";
        QTest::qFail(left.c_str(), __FILE__, __LINE__);
    }
}

ProductKind TestBackend::productKind(DType dtype, std::int64_t cols, std::int64_t rows) const {
    if (isCpu()) {
        if (!backendFor(pathOf(m_device))->roundsActivations(dtype, cols)) return ProductKind::Float;
    } else {
        if (dtype == DType::F32) return ProductKind::Float;
        if (rows > kDecodeRows) return ProductKind::Half;
        if (isFloat(dtype)) return ProductKind::Float;
    }
    return CpuBackend::multipliesRest(dtype) ? ProductKind::RoundedTwice : ProductKind::Rounded;
}

DeviceTensor::DeviceTensor(const TestBackend& on, DType dtype, std::array<std::int64_t, 3> shape)
    : m_backend(on.backend())
    , m_view{nullptr, dtype, shape} {
    if (on.isCpu()) {
        m_guarded = std::make_unique<GuardedBytes>(m_view.bytes());
        m_view.data = m_guarded->data();
    } else {
        m_buffer = m_backend.allocate(m_view.bytes());
        if (m_buffer == nullptr) qFatal("no memory for a test");
        m_view.data = m_buffer->data();
    }
    write(std::vector<std::byte>(m_view.bytes(), std::byte{0xff}));
}

DeviceTensor::DeviceTensor(const TestBackend& on, std::span<const float> values, std::int64_t rows)
    : DeviceTensor(on, DType::F32, {1, rows, static_cast<std::int64_t>(values.size()) / rows}) {
    write(std::as_bytes(values));
}

DeviceTensor::DeviceTensor(const TestBackend& on, std::span<const std::int32_t> values, std::int64_t rows)
    : DeviceTensor(on, DType::I32, {1, rows, static_cast<std::int64_t>(values.size()) / rows}) {
    write(std::as_bytes(values));
}

void DeviceTensor::write(std::span<const std::byte> bytes) const {
    if (m_guarded != nullptr) {
        std::memcpy(m_guarded->data(), bytes.data(), bytes.size());
    } else {
        m_backend.upload(m_view, bytes);
    }
}

void DeviceTensor::readBytes(std::span<std::byte> to) const {
    if (m_guarded != nullptr) {
        std::memcpy(to.data(), m_guarded->data(), to.size());
    } else {
        m_backend.download(to, m_view);
    }
}

TensorView adopted(const TestBackend& on, DType dtype, std::array<std::int64_t, 3> shape, std::span<const std::byte> fileBytes) {
    // The CPU multiplies file bytes wherever they lie; adoptWeight() would copy what is not aligned, away from the forbidden memory.
    if (on.isCpu()) return {const_cast<std::byte*>(fileBytes.data()), dtype, shape};
    return on->adoptWeight(dtype, shape, fileBytes);
}

} // namespace hearth::kernels
