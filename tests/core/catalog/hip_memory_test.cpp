// SPDX-License-Identifier: Apache-2.0
//
// The plan against what the GPU back end really asks a driver for: models of real widths, whose weights are zeros of a sparse
// file, on a runtime that counts and computes nothing. Within 5 %, after a prompt and a decoding step.
#include "app/cli/model_plan.h"
#include "core/catalog/memory_plan.h"
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/hip/hip_backend.h"
#include "tests/support/gguf_writer.h"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <map>

using namespace hearth;
using kernels::GpuResult;

namespace {

/// Device memory is only numbers; pinned memory is real.
class CountingRuntime final : public kernels::GpuRuntime {
public:
    std::uint64_t living = 0;

    const char* name() const override { return "counting"; }
    std::string library() const override { return {}; }
    GpuResult driverVersion(int& version) override { return version = 1, GpuResult{}; }
    GpuResult deviceCount(int& count) override { return count = 1, GpuResult{}; }
    GpuResult deviceProperties(int, kernels::GpuDeviceProperties& properties) override {
        properties = {.name = "counted", .arch = "gfx1100", .pciAddress = {}, .totalBytes = std::uint64_t{24} << 30, .multiprocessors = 48, .ldsBytes = 65536};
        return {};
    }
    GpuResult useDevice(int) override { return {}; }
    GpuResult memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) override { return freeBytes = totalBytes = std::uint64_t{24} << 30, GpuResult{}; }
    GpuResult allocate(void*& memory, std::uint64_t bytes) override {
        memory = reinterpret_cast<void*>(m_next);
        m_next += (bytes + 0xffff) / 0x10000 * 0x10000;
        m_bytes[memory] = bytes;
        living += bytes;
        return {};
    }
    GpuResult release(void* memory) override {
        living -= m_bytes[memory];
        m_bytes.erase(memory);
        return {};
    }
    GpuResult allocatePinned(void*& memory, std::uint64_t bytes) override { return memory = std::calloc(1, bytes), GpuResult{}; }
    GpuResult releasePinned(void* memory) override { return std::free(memory), GpuResult{}; }
    GpuResult createStream(Stream& stream) override { return stream = this, GpuResult{}; }
    GpuResult destroyStream(Stream) override { return {}; }
    GpuResult synchronize(Stream) override { return {}; }
    GpuResult query(Stream) override { return {}; }
    GpuResult createEvent(Event& event) override { return event = this, GpuResult{}; }
    GpuResult destroyEvent(Event) override { return {}; }
    GpuResult recordEvent(Event, Stream) override { return {}; }
    GpuResult queryEvent(Event) override { return {}; }
    GpuResult waitEvent(Stream, Event) override { return {}; }
    GpuResult elapsedMs(float& ms, Event, Event) override { return ms = 1.0f, GpuResult{}; }
    GpuResult copyToDevice(void*, const void*, std::uint64_t, Stream) override { return {}; }
    GpuResult copyToHost(void*, const void*, std::uint64_t, Stream) override { return {}; }
    GpuResult copyOnDevice(void*, const void*, std::uint64_t, Stream) override { return {}; }
    GpuResult fill(void*, std::uint8_t, std::uint64_t, Stream) override { return {}; }
    GpuResult loadModule(Module& module, const void*, std::size_t) override { return module = this, GpuResult{}; }
    GpuResult unloadModule(Module) override { return {}; }
    GpuResult findFunction(Function& function, Module, const char*) override { return function = this, GpuResult{}; }
    GpuResult launch(Function, kernels::GpuGrid, std::uint32_t, Stream, const void*) override { return {}; }
    GpuResult beginCapture(Stream) override { return {kernels::GpuError::Other, 1}; }
    GpuResult endCapture(Stream, Graph&) override { return {kernels::GpuError::Other, 1}; }
    GpuResult instantiate(GraphExec&, Graph) override { return {kernels::GpuError::Other, 1}; }
    GpuResult launchGraph(GraphExec, Stream) override { return {kernels::GpuError::Other, 1}; }
    GpuResult destroyGraph(Graph) override { return {}; }
    GpuResult destroyGraphExec(GraphExec) override { return {}; }

private:
    std::uintptr_t m_next = std::uintptr_t{1} << 40;
    std::map<void*, std::uint64_t> m_bytes;
};

/// Header and tensor table are true; the weights are a hole in the file.
std::filesystem::path writeSparseModel(const std::filesystem::path& folder, const app::cli::ModelShape& shape, std::string_view type) {
    test::GgufWriter writer;
    const std::string arch(shape.architecture());
    writer.addString("general.architecture", arch);
    writer.addUint32(arch + ".context_length", static_cast<std::uint32_t>(shape.context));
    writer.addUint32(arch + ".embedding_length", static_cast<std::uint32_t>(shape.embedding));
    writer.addUint32(arch + ".block_count", static_cast<std::uint32_t>(shape.layers));
    writer.addUint32(arch + ".feed_forward_length", static_cast<std::uint32_t>(shape.feedForward));
    writer.addUint32(arch + ".attention.head_count", static_cast<std::uint32_t>(shape.heads));
    writer.addUint32(arch + ".attention.head_count_kv", static_cast<std::uint32_t>(shape.kvHeads));
    writer.addFloat32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
    writer.addUint32(arch + ".rope.dimension_count", static_cast<std::uint32_t>(shape.headDim()));
    writer.addFloat32(arch + ".rope.freq_base", 10000.0f);
    std::vector<std::string> tokens;
    for (std::int32_t i = 0; i < shape.vocabulary; ++i) tokens.push_back("t" + std::to_string(i));
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    std::uint64_t offset = 0;
    for (const app::cli::PlannedTensor& tensor : app::cli::planTensors(shape, type)) {
        std::vector<std::uint64_t> dims(tensor.dims.begin(), tensor.dims.begin() + tensor.rank);
        writer.addTensor({.name = tensor.name, .dims = std::move(dims), .typeId = kernels::info(tensor.dtype).ggufId, .data = {}, .offset = offset});
        offset += (tensor.bytes() + 31) / 32 * 32;
    }
    const std::filesystem::path path = folder / (std::string(shape.name) + "-" + std::string(type) + ".gguf");
    writer.write(path);
    const std::uint64_t header = (std::filesystem::file_size(path) + 31) / 32 * 32;
    std::filesystem::resize_file(path, header + offset);
    return path;
}

constexpr app::cli::ModelShape kWide{.name = "wide", .title = "Wide", .layers = 6, .embedding = 2048, .heads = 32, .kvHeads = 8, .feedForward = 5632, .vocabulary = 8000, .context = 8192};

} // namespace

class HipMemoryTest : public QObject {
    Q_OBJECT

private slots:
    void predictionIsWhatTheDriverIsAskedFor_data() {
        QTest::addColumn<QString>("type");
        QTest::addColumn<int>("layers");
        QTest::addColumn<int>("context");
        QTest::addColumn<bool>("q8");
        QTest::newRow("Q4_K_M, all of it") << "Q4_K_M" << -1 << 8192 << false;
        QTest::newRow("Q4_K_M, q8_0 cache") << "Q4_K_M" << -1 << 8192 << true;
        QTest::newRow("Q4_K_M, but for a layer and the output") << "Q4_K_M" << 5 << 4096 << false;
        QTest::newRow("Q8_0") << "Q8_0" << -1 << 2048 << false;
        QTest::newRow("Q3_K_M") << "Q3_K_M" << -1 << 8192 << false;
    }
    void predictionIsWhatTheDriverIsAskedFor() {
        QFETCH(QString, type);
        QFETCH(int, layers);
        QFETCH(int, context);
        QFETCH(bool, q8);
        const QTemporaryDir folder;
        const auto path = writeSparseModel(folder.path().toStdString(), kWide, type.toStdString());
        auto file = core::GgufFile::open(path);
        QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
        const auto needs = core::readMemoryNeeds(path);
        QVERIFY2(needs.has_value(), needs ? "" : needs.error().message.c_str());
        const core::MemoryRoom room{.gpu = core::GpuKind::Discrete, .gpuFree = std::uint64_t{24} << 30, .gpuTotal = std::uint64_t{24} << 30};
        const core::MemoryPlan plan = planMemory(*needs, room, {.contextLength = context, .kvType = q8 ? kernels::KvType::Q8_0 : kernels::KvType::F16, .gpuLayers = layers});
        QCOMPARE(plan.layersOnGpu(), layers < 0 ? kWide.layers : layers);

        CountingRuntime runtime;
        {
            kernels::Status status;
            const std::byte image[4]{};
            const auto gpu = createHipBackend(runtime, {"gfx1100", image}, {}, status);
            QVERIFY(gpu != nullptr);
            const auto cpu = kernels::CpuBackend::create({.threads = 1});
            const std::uint64_t before = runtime.living;
            const core::PromptChunks chunks;
            auto model = core::Model::load(std::move(*file), core::BackendSet{*cpu, gpu.get(), plan.placement}, {.prefillChunk = chunks.withGpu, .kvType = plan.kvType}, {}, {});
            QVERIFY2(model.has_value(), model ? "" : model.error().message.c_str());
            auto cache = (*model)->makeCache(plan.contextLength);
            QVERIFY(cache.has_value());
            const std::vector<std::int32_t> prompt(static_cast<std::size_t>(chunks.withGpu), 5);
            std::vector<float> logits(static_cast<std::size_t>(kWide.vocabulary));
            QVERIFY((*model)->forward(*cache, prompt, core::LogitsWanted::Last, logits, {}).has_value());
            QVERIFY((*model)->forward(*cache, std::span(prompt).first(1), core::LogitsWanted::Last, logits, {}).has_value());
            const double measured = static_cast<double>(runtime.living - before);
            const double predicted = static_cast<double>(plan.gpu.total());
            const QByteArray figures = QString("predicted %1 MB, asked for %2 MB").arg(predicted / 1e6, 0, 'f', 1).arg(measured / 1e6, 0, 'f', 1).toUtf8();
            qInfo("%s", figures.constData());
            QVERIFY2(std::abs(predicted - measured) <= 0.05 * measured, figures);
        }
        QCOMPARE(runtime.living, std::uint64_t{0}); // and all of it is given back
    }
};

QTEST_GUILESS_MAIN(HipMemoryTest)
#include "hip_memory_test.moc"
