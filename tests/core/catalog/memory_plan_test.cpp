// SPDX-License-Identifier: Apache-2.0
//
// The plan against what is really allocated (a back end that counts), against its own promises over grids of sizes, and
// against hostile numbers.
#include "core/catalog/memory_plan.h"
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/device_backend.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <random>

using namespace hearth;
using core::GpuKind;
using core::MemoryNeeds;
using core::MemoryPlan;
using core::MemoryRoom;
using core::PlanReason;
using core::PlanWishes;
using kernels::KvType;
using test::DeviceBackend;

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;
constexpr std::uint64_t kGibi = std::uint64_t{1} << 30;

/// A discrete card with exactly so much for models.
MemoryRoom roomWith(std::uint64_t usable) {
    MemoryRoom room{.gpu = GpuKind::Discrete, .gpuTotal = 64 * kGibi};
    room.gpuFree = usable + room.keptForDesktop();
    return room;
}

/// Shaped like a Llama 8B in four bits.
MemoryNeeds eightBillion() {
    MemoryNeeds needs;
    needs.layerWeights.assign(32, {125 * kMebi, 124 * kMebi});
    needs.embedding = {290 * kMebi, 289 * kMebi};
    needs.output = {420 * kMebi, 419 * kMebi};
    needs.scratchBytes = 60 * kMebi;
    needs.scratchBytesCpuOnly = 60 * kMebi;
    needs.gpuWorkBytes = 32 * kMebi;
    needs.kvHeads = 8;
    needs.headDim = 128;
    needs.trainedContext = 131'072;
    return needs;
}

MemoryNeeds randomNeeds(std::mt19937_64& random) {
    MemoryNeeds needs = eightBillion();
    needs.layerWeights.resize(1 + random() % 90);
    for (core::PartBytes& layer : needs.layerWeights)
        layer = {random() % (300 * kMebi), random() % (300 * kMebi)};
    needs.embedding.onGpu = random() % (900 * kMebi);
    needs.output.onGpu = random() % (900 * kMebi);
    needs.tiedOutput = random() % 2 == 0;
    needs.kvHeads = 1 + static_cast<std::int32_t>(random() % 16);
    needs.headDim = 32 * (1 + static_cast<std::int32_t>(random() % 8));
    return needs;
}

/// Layers, and one more for the output.
int amount(const MemoryPlan& plan) {
    return plan.placement.gpuLayers + (plan.placement.outputOnGpu ? 1 : 0);
}

QString text(const MemoryPlan& plan) {
    return QString::fromStdString(core::describe(plan));
}

} // namespace

class MemoryPlanTest : public QObject {
    Q_OBJECT

private slots:
    void predictionIsWhatIsAllocated_data();
    void predictionIsWhatIsAllocated();
    void knownShapesHaveKnownSizes();
    void desktopKeepsItsShare();
    void asManyLayersAsFitAndNoMore();
    void moreRoomNeverGivesFewerLayers();
    void longerContextNeverGivesMoreLayers();
    void wishesAreKeptWhereTheyFit();
    void ramIsCounted();
    void hostileNumbersSaturate();
    void sentences_data();
    void sentences();
    void wrongPartsStayOnTheCpu();
    void wrongPartsAreCountedAsTheyAreAllocated();
    void unusableFilesHaveNoNeeds();
};

void MemoryPlanTest::predictionIsWhatIsAllocated_data() {
    QTest::addColumn<QString>("path");
    QTest::addColumn<bool>("q8");
    for (const char* name : {"llama-tiny-Q4_K_M", "llama-moe-tiny-Q4_K_M", "llama-tiny-IQ4_XS", "qwen2-mini-Q4_K_M",
                             "llama3-tiny-Q4_0", "llama-mini-F16"}) {
        QTest::newRow(name) << QString(HEARTH_TEST_DATA "/models/gguf/%1.gguf").arg(name) << false;
    }
    QTest::newRow("qwen3, tied") << "tied" << false;
    QTest::newRow("qwen3, tied, q8_0") << "tied" << true;
    QTest::newRow("qwen3moe, q8_0") << "experts" << true;
}

void MemoryPlanTest::predictionIsWhatIsAllocated() {
    QFETCH(QString, path);
    QFETCH(bool, q8);
    const QTemporaryDir folder;
    if (path == "tied") {
        path = QString::fromStdString(test::writeTinyModel(
            folder.path().toStdString(), {.name = "t", .architecture = "qwen3", .layers = 3, .tiedOutput = true}));
    } else if (path == "experts") {
        path = QString::fromStdString(
            test::writeTinyModel(folder.path().toStdString(), {.name = "e", .architecture = "qwen3moe", .layers = 3}));
    }
    constexpr std::int32_t kChunk = 24;
    const auto needs = core::readMemoryNeeds(path.toStdString(), {kChunk, kChunk});
    QVERIFY2(needs.has_value(), needs ? "" : needs.error().message.c_str());
    const KvType kvType = q8 ? KvType::Q8_0 : KvType::F16;

    for (const std::int32_t context : {64, 100, 512, 3000}) {
        const std::uint64_t full =
            planMemory(*needs, roomWith(kGibi), {.contextLength = context, .kvType = kvType}).fullGpuBytes;
        // Every number of layers; then all of them where only the output does not fit.
        for (std::int32_t wished = 0; wished <= needs->layers() + 1; ++wished) {
            const MemoryRoom room = roomWith(wished > needs->layers() ? full - 1 : full);
            const MemoryPlan plan =
                planMemory(*needs, room, {.contextLength = context, .kvType = kvType, .gpuLayers = wished});
            QCOMPARE(plan.placement.gpuLayers, std::min(wished, needs->layers()));
            QCOMPARE(plan.placement.outputOnGpu, wished == needs->layers());
            QVERIFY(plan.kvType == kvType);

            DeviceBackend cpu(kernels::CpuBackend::create({.threads = 1}));
            DeviceBackend gpu(kernels::CpuBackend::create({.threads = 1}));
            const auto model = core::Model::load(*core::GgufFile::open(path.toStdString()),
                                                 core::BackendSet{cpu, &gpu, plan.placement},
                                                 {.prefillChunk = kChunk, .kvType = plan.kvType}, {}, {});
            QVERIFY(model.has_value());
            const auto cache = (*model)->makeCache(plan.contextLength);
            QVERIFY(cache.has_value());
            const std::uint64_t overhead = plan.onGpu() ? room.gpuOverhead + needs->gpuWorkBytes : 0;
            QCOMPARE(plan.gpu.overhead, overhead);
            QCOMPARE(plan.gpu.total() - overhead, gpu.usedBytes());
            QCOMPARE(plan.gpu.weights, gpu.weightBytes());
            QCOMPARE(plan.gpu.kv, cache->bytes(core::BackendSide::Gpu));
            QCOMPARE(plan.gpu.scratch, (*model)->scratchBytes(core::BackendSide::Gpu));
            QCOMPARE(plan.ram.weights, cpu.weightFileBytes());
            QCOMPARE(plan.ram.kv + plan.ram.scratch, cpu.bufferBytes());
        }
    }
}

void MemoryPlanTest::knownShapesHaveKnownSizes() {
    const MemoryNeeds needs = eightBillion();
    // 2 (keys, values) * 8 heads * 128 numbers * 8192 positions, 2 bytes each, or 34 for 32 of them.
    QCOMPARE(needs.kvBytesPerLayer(8192, KvType::F16), std::uint64_t{33'554'432});
    QCOMPARE(needs.kvBytesPerLayer(8192, KvType::Q8_0), std::uint64_t{17'825'792});
    const MemoryPlan plan = planMemory(needs, roomWith(32 * kGibi), {});
    QCOMPARE(int(plan.reason), int(PlanReason::Full));
    QCOMPARE(plan.contextLength, 8192);
    QCOMPARE(plan.gpu.weights, (32 * 125 + 290 + 420) * kMebi);
    QCOMPARE(plan.gpu.kv, 32 * std::uint64_t{33'554'432});
    QCOMPARE(plan.gpu.scratch, 60 * kMebi);
    QCOMPARE(plan.gpu.total(), plan.fullGpuBytes);
    QCOMPARE(plan.ram.total(), std::uint64_t{0});
    QCOMPARE(core::gpuBytesFor(kernels::DType::Q4_K, 4096 * 4096), std::uint64_t{4096 * 4096 / 256 * 144});
    QCOMPARE(core::gpuBytesFor(kernels::DType::F32, 3), std::uint64_t{256});
    // Head sizes that blocks of 32 do not divide keep f16.
    MemoryNeeds odd = needs;
    odd.headDim = 80;
    QVERIFY(planMemory(odd, roomWith(kGibi), {.kvType = KvType::Q8_0}).kvType == KvType::F16);
}

void MemoryPlanTest::desktopKeepsItsShare() {
    MemoryRoom room{.gpu = GpuKind::Discrete, .gpuFree = 15 * kGibi, .gpuTotal = 16 * kGibi};
    QCOMPARE(room.keptForDesktop(), 16 * kGibi / 100 * 8);
    QCOMPARE(room.gpuUsable(), 15 * kGibi - 16 * kGibi / 100 * 8);
    room = {.gpu = GpuKind::Discrete, .gpuFree = 3 * kGibi, .gpuTotal = 4 * kGibi};
    QCOMPARE(room.keptForDesktop(), 512 * kMebi);
    room.gpuFree = 500 * kMebi;
    QCOMPARE(room.gpuUsable(), std::uint64_t{0});
    room = {.gpu = GpuKind::Integrated, .gpuFree = 8 * kGibi, .gpuTotal = 16 * kGibi};
    QCOMPARE(room.gpuUsable(), 4 * kGibi);
    room.gpu = GpuKind::None;
    QCOMPARE(room.gpuUsable(), std::uint64_t{0});
    room = {.gpu = GpuKind::Discrete, .gpuFree = kMost, .gpuTotal = 4 * kGibi}; // a driver that says nonsense
    QCOMPARE(room.gpuUsable(), 4 * kGibi - 512 * kMebi);
}

void MemoryPlanTest::asManyLayersAsFitAndNoMore() {
    std::mt19937_64 random(5);
    std::array<int, 3> seen{};
    for (int round = 0; round < 600; ++round) {
        const MemoryNeeds needs = randomNeeds(random);
        const PlanWishes wishes{.contextLength = 64 + static_cast<std::int32_t>(random() % 40'000)};
        const std::uint64_t full = planMemory(needs, roomWith(0), wishes).fullGpuBytes;
        const MemoryRoom room = roomWith(random() % (full + full / 8));
        const MemoryPlan plan = planMemory(needs, room, wishes);
        QVERIFY(plan.gpu.total() <= room.gpuUsable());
        QCOMPARE(plan.reason == PlanReason::Full, full <= room.gpuUsable());
        QCOMPARE(plan.reason == PlanReason::CpuGpuTooSmall, plan.leastGpuBytes > room.gpuUsable());
        if (plan.reason == PlanReason::PartFits && plan.placement.gpuLayers < needs.layers()) {
            // The plan for one more, in a room where it fits, takes more than there is.
            const std::int32_t more = plan.placement.gpuLayers + 1;
            PlanWishes other = wishes;
            other.gpuLayers = more;
            if (more < needs.layers()) QVERIFY(planMemory(needs, roomWith(kMost / 2), other).gpu.total() > room.gpuUsable());
        }
        ++seen[plan.reason == PlanReason::Full ? 0 : (plan.reason == PlanReason::PartFits ? 1 : 2)];
    }
    for (const int count : seen)
        QVERIFY(count > 10); // the grid met every case
    // To the byte.
    const MemoryNeeds needs = eightBillion();
    const std::uint64_t full = planMemory(needs, roomWith(0), {}).fullGpuBytes;
    QCOMPARE(int(planMemory(needs, roomWith(full), {}).reason), int(PlanReason::Full));
    const MemoryPlan less = planMemory(needs, roomWith(full - 1), {});
    QCOMPARE(int(less.reason), int(PlanReason::PartFits));
    QVERIFY((less.placement == core::LayerPlacement{32, false}));
    QCOMPARE(less.ram.weights, 419 * kMebi);
}

void MemoryPlanTest::moreRoomNeverGivesFewerLayers() {
    std::mt19937_64 random(6);
    for (int round = 0; round < 60; ++round) {
        const MemoryNeeds needs = randomNeeds(random);
        const PlanWishes wishes{.contextLength = 4096, .gpuLayers = round % 3 == 0 ? needs.layers() / 2 : -1};
        int before = -1;
        for (std::uint64_t usable = 0; usable < 40 * kGibi; usable += 97 * kMebi + random() % kMebi) {
            const int now = amount(planMemory(needs, roomWith(usable), wishes));
            QVERIFY(now >= before);
            before = now;
        }
        QVERIFY(before > 0);
    }
}

void MemoryPlanTest::longerContextNeverGivesMoreLayers() {
    std::mt19937_64 random(7);
    for (int round = 0; round < 100; ++round) {
        const MemoryNeeds needs = randomNeeds(random);
        const MemoryRoom room = roomWith(random() % (24 * kGibi));
        int before = std::numeric_limits<int>::max();
        for (const std::int32_t context : {64, 65, 512, 4'096, 8'192, 32'768, 131'072, 1'000'000, 2'000'000'000}) {
            const MemoryPlan half = planMemory(needs, room, {.contextLength = context, .kvType = KvType::Q8_0});
            const MemoryPlan plan = planMemory(needs, room, {.contextLength = context});
            QVERIFY(amount(plan) <= before);
            QVERIFY(amount(half) >= amount(plan));
            before = amount(plan);
        }
    }
}

void MemoryPlanTest::wishesAreKeptWhereTheyFit() {
    const MemoryNeeds needs = eightBillion();
    const auto reasonOf = [&](const MemoryRoom& room, const PlanWishes& wishes) {
        const MemoryPlan plan = planMemory(needs, room, wishes);
        return std::pair(int(plan.reason), amount(plan));
    };
    using Answer = std::pair<int, int>;
    const MemoryRoom large = roomWith(32 * kGibi);
    const MemoryRoom small = roomWith(2 * kGibi);
    QCOMPARE(reasonOf(large, {.gpuLayers = 20}), Answer(int(PlanReason::PartWished), 20));
    QCOMPARE(reasonOf(large, {.gpuLayers = 32}), Answer(int(PlanReason::Full), 33));
    QCOMPARE(reasonOf(large, {.gpuLayers = 999}), Answer(int(PlanReason::Full), 33));
    QCOMPARE(reasonOf(large, {.gpuLayers = 0}), Answer(int(PlanReason::CpuWished), 0));
    QCOMPARE(reasonOf(large, {.preferCpu = true}), Answer(int(PlanReason::CpuWished), 0));
    const int fitting = amount(planMemory(needs, small, {}));
    QVERIFY(fitting > 2 && fitting < 20);
    QCOMPARE(reasonOf(small, {.gpuLayers = 20}), Answer(int(PlanReason::PartLessThanWished), fitting));
    QCOMPARE(reasonOf(small, {.gpuLayers = 32}), Answer(int(PlanReason::PartLessThanWished), fitting));
    QCOMPARE(reasonOf(small, {.gpuLayers = 2}), Answer(int(PlanReason::PartWished), 2));
    QCOMPARE(reasonOf(roomWith(kMebi), {.gpuLayers = 2}), Answer(int(PlanReason::CpuGpuTooSmall), 0));
    QCOMPARE(reasonOf({}, {.gpuLayers = 20}), Answer(int(PlanReason::CpuNoGpu), 0));

    QCOMPARE(core::contextLengthFor(0, 131'072), 8192);
    QCOMPARE(core::contextLengthFor(0, 2048), 2048);
    QCOMPARE(core::contextLengthFor(0, 0), 64);
    QCOMPARE(core::contextLengthFor(-7, 2048), 2048);
    QCOMPARE(core::contextLengthFor(10, 2048), 64);
    QCOMPARE(core::contextLengthFor(100'000, 2048), 100'000);
    // Learned positions end where they end.
    MemoryNeeds learned = eightBillion();
    learned.trainedContext = 1024;
    const auto contextOf = [&](std::int32_t wished) { return planMemory(learned, roomWith(32 * kGibi), {.contextLength = wished}).contextLength; };
    QCOMPARE(contextOf(4096), 4096);
    learned.learnedPositions = true;
    QCOMPARE(contextOf(4096), 1024);
    QCOMPARE(contextOf(512), 512);
    QCOMPARE(contextOf(0), 1024);
}

void MemoryPlanTest::ramIsCounted() {
    const MemoryNeeds needs = eightBillion();
    MemoryRoom room;
    const MemoryPlan plan = planMemory(needs, room, {.contextLength = 8192});
    QCOMPARE(plan.ram.weights, (32 * 124 + 289 + 419) * kMebi);
    QCOMPARE(plan.ram.total(), plan.ram.weights + 32 * std::uint64_t{33'554'432} + 60 * kMebi);
    QCOMPARE(plan.gpu.total(), std::uint64_t{0});
    QVERIFY(plan.fitsRam());
    room.ramFree = plan.ram.total();
    QVERIFY(planMemory(needs, room, {}).fitsRam());
    room.ramFree -= 1;
    QVERIFY(!planMemory(needs, room, {}).fitsRam());
    // A tied embedding is read once where both are, and lies on both sides where they differ.
    MemoryNeeds tied = needs;
    tied.tiedOutput = true;
    tied.output = {0, 0};
    QCOMPARE(planMemory(tied, {}, {}).ram.weights, (32 * 124 + 289) * kMebi);
    const MemoryPlan part = planMemory(tied, roomWith(32 * kGibi), {.gpuLayers = 8});
    QCOMPARE(part.gpu.weights, (8 * 125 + 290) * kMebi);
    QCOMPARE(part.ram.weights, (24 * 124 + 289) * kMebi);
    QCOMPARE(planMemory(tied, roomWith(32 * kGibi), {}).gpu.weights, (32 * 125 + 290) * kMebi);
    // What an integrated GPU takes is taken from the computer.
    const MemoryRoom shared{.gpu = GpuKind::Integrated, .gpuFree = 60 * kGibi, .gpuTotal = 64 * kGibi, .ramFree = kGibi};
    const MemoryPlan integrated = planMemory(needs, shared, {});
    QCOMPARE(int(integrated.reason), int(PlanReason::Full));
    QCOMPARE(integrated.ramNeeded, integrated.gpu.total());
    QVERIFY(!integrated.fitsRam());
}

void MemoryPlanTest::hostileNumbersSaturate() {
    MemoryNeeds needs = eightBillion();
    for (core::PartBytes& layer : needs.layerWeights)
        layer = {kMost, kMost};
    needs.embedding = {kMost, kMost};
    needs.scratchBytes = kMost;
    needs.scratchBytesCpuOnly = kMost;
    needs.kvHeads = std::numeric_limits<std::int32_t>::max();
    needs.headDim = std::numeric_limits<std::int32_t>::max() / 32 * 32;
    const PlanWishes longest{.contextLength = std::numeric_limits<std::int32_t>::max()};
    QCOMPARE(needs.kvBytesPerLayer(longest.contextLength, KvType::F16), kMost);
    QCOMPARE(needs.kvBytesPerLayer(longest.contextLength, KvType::Q8_0), kMost);
    MemoryPlan plan = planMemory(needs, {.gpu = GpuKind::Discrete, .gpuFree = kMost, .gpuTotal = kMost, .ramFree = kGibi}, longest);
    QCOMPARE(int(plan.reason), int(PlanReason::CpuGpuTooSmall));
    QCOMPARE(plan.fullGpuBytes, kMost);
    QCOMPARE(plan.ram.total(), kMost);
    QVERIFY(!plan.fitsRam());
    QVERIFY(!text(plan).isEmpty());
    // One number over the edge is enough.
    needs = eightBillion();
    needs.layerWeights[31].onGpu = kMost - 5;
    plan = planMemory(needs, {.gpu = GpuKind::Discrete, .gpuFree = kMost, .gpuTotal = kMost}, {});
    QCOMPARE(int(plan.reason), int(PlanReason::PartFits));
    QCOMPARE(plan.placement.gpuLayers, 31);
    // Nonsense that no file leads to.
    needs.layerWeights.clear();
    needs.kvHeads = -4;
    needs.headDim = -32;
    plan = planMemory(needs, roomWith(kGibi), {.contextLength = -9, .gpuLayers = -77});
    QCOMPARE(plan.placement.gpuLayers, 0);
    QCOMPARE(plan.gpu.total(), std::uint64_t{0});
    QCOMPARE(core::gpuBytesFor(kernels::DType::F32, kMost), kMost / 256 * 256);
}

void MemoryPlanTest::sentences_data() {
    QTest::addColumn<int>("kind");
    QTest::addColumn<quint64>("usable");
    QTest::addColumn<quint64>("ram");
    QTest::addColumn<int>("layers");
    QTest::addColumn<QString>("expected");
    const auto discrete = int(GpuKind::Discrete);
    const quint64 much = 32 * kGibi;
    const quint64 unknown = kMost;
    QTest::newRow("full") << discrete << quint64{14'600'000'000} << much << -1
                          << "Fits the GPU, with 6.1 GB of the 14.6 GB that are free for models.";
    QTest::newRow("part") << discrete << quint64{4'000'000'000} << much << -1
                          << "21 of 32 layers fit the GPU, with 3.9 GB of the 4.0 GB that are free for models; the CPU "
                             "computes the rest.";
    QTest::newRow("no output") << discrete << quint64{5'900'000'000} << much << -1
                               << "All 32 layers, but not the output matrix, fit the GPU, with 5.7 GB of the 5.9 GB that "
                                  "are free for models; the CPU computes the rest.";
    QTest::newRow("wished") << discrete << quint64{14'600'000'000} << much << 10
                            << "10 of 32 layers on the GPU, as chosen, with 2.1 GB of the 14.6 GB that are free for "
                               "models; the CPU computes the rest.";
    QTest::newRow("less than wished") << discrete << quint64{4'000'000'000} << much << 30
                                      << "21 of 32 layers fit the GPU, with 3.9 GB of the 4.0 GB that are free for "
                                         "models; 30 were asked for.";
    QTest::newRow("too small") << discrete << quint64{500'000'000} << much << -1
                               << "CPU: one layer alone needs 598.7 MB on the GPU, 500.0 MB are free for models.";
    QTest::newRow("chosen") << discrete << quint64{14'600'000'000} << much << 0
                            << "CPU, as chosen: needs 6.0 GB of memory, 34.4 GB are free.";
    QTest::newRow("no GPU") << int(GpuKind::None) << quint64{0} << unknown << -1 << "CPU: needs 6.0 GB of memory.";
    QTest::newRow("no RAM") << int(GpuKind::None) << quint64{0} << quint64{2'000'000'000} << -1
                            << "CPU: needs 6.0 GB of memory, 2.0 GB are free, so it would read from the disk all the "
                               "time.";
    QTest::newRow("no RAM for the rest") << discrete << quint64{4'000'000'000} << quint64{1'000'000'000} << -1
                                         << "21 of 32 layers fit the GPU, with 3.9 GB of the 4.0 GB that are free for "
                                            "models; the CPU computes the rest; this needs 2.3 GB of memory, 1.0 GB are "
                                            "free, so it would read from the disk all the time.";
}

void MemoryPlanTest::sentences() {
    QFETCH(int, kind);
    QFETCH(quint64, usable);
    QFETCH(quint64, ram);
    QFETCH(int, layers);
    QFETCH(QString, expected);
    MemoryRoom room = roomWith(usable);
    room.gpu = static_cast<GpuKind>(kind);
    room.ramFree = ram;
    QCOMPARE(text(planMemory(eightBillion(), room, {.gpuLayers = layers})), expected);
}

void MemoryPlanTest::wrongPartsStayOnTheCpu() {
    using core::GpuGaps;
    using core::typeBit;
    using kernels::DType;
    MemoryNeeds needs = eightBillion();
    for (std::size_t i = 0; i < needs.layerWeights.size(); ++i)
        needs.layerWeights[i].matrices = typeBit(DType::Q4_K) | (i % 4 == 0 ? typeBit(DType::Q6_K) : 0);
    needs.embedding.matrices = typeBit(DType::Q4_K);
    needs.output.matrices = typeBit(DType::Q6_K);
    const auto planWith = [&](const GpuGaps& gaps, PlanWishes wishes = {}, std::uint64_t usable = 32 * kGibi) {
        MemoryRoom room = roomWith(usable);
        room.gaps = gaps;
        return planMemory(needs, room, wishes);
    };
    QCOMPARE(int(planWith({.products = typeBit(DType::Q3_K)}).reason), int(PlanReason::Full));

    MemoryPlan plan = planWith({.products = typeBit(DType::Q6_K)});
    QCOMPARE(int(plan.reason), int(PlanReason::PartRight));
    QCOMPARE(plan.layersOnGpu(), 24);
    QVERIFY(!plan.placement.outputOnGpu && !plan.placement.embeddingKept);
    for (std::int32_t i = 0; i < 32; ++i) QCOMPARE(plan.placement.layer(i) == core::BackendSide::Cpu, i % 4 == 0);
    QCOMPARE(int(plan.placement.embedding()), int(core::BackendSide::Cpu)); // with layer 0
    QCOMPARE(plan.gpu.weights, 24 * 125 * kMebi);
    QCOMPARE(plan.ram.weights, (8 * 124 + 289 + 419) * kMebi);
    QCOMPARE(text(plan), "24 of 32 layers on the GPU, with 4.1 GB of the 34.4 GB that are free for models; the CPU computes the rest, in which the GPU failed its test.");
    // A number counts layers that the GPU may compute.
    plan = planWith({.products = typeBit(DType::Q6_K)}, {.gpuLayers = 6});
    QCOMPARE(int(plan.reason), int(PlanReason::PartWished));
    QCOMPARE(plan.layersOnGpu(), 6);
    QCOMPARE(plan.placement.gpuLayers, 8); // 1 2 3 5 6 7
    QVERIFY(text(plan).contains("that leaves out layers in which the GPU failed its test"));
    QCOMPARE(int(planWith({.products = typeBit(DType::Q6_K)}, {.gpuLayers = 30}).reason), int(PlanReason::PartRight));
    plan = planWith({.products = typeBit(DType::Q6_K)}, {}, 2 * kGibi);
    QCOMPARE(int(plan.reason), int(PlanReason::PartFits));
    QVERIFY(plan.layersOnGpu() > 2 && plan.layersOnGpu() < 20);
    QVERIFY(plan.gpu.total() <= plan.gpuUsable);

    plan = planWith({.products = typeBit(DType::Q4_K)});
    QCOMPARE(int(plan.reason), int(PlanReason::CpuGpuWrong));
    QVERIFY(!plan.onGpu() && text(plan).startsWith("CPU, because the GPU failed its test"));
    plan = planWith({.lookups = typeBit(DType::Q4_K)});
    QVERIFY((plan.placement == core::LayerPlacement{32, true, true}));
    QCOMPARE(plan.ram.weights, 289 * kMebi);
    plan = planWith({.mixtures = true, .sampling = true});
    QCOMPARE(int(plan.reason), int(PlanReason::Full));
    needs.layerWeights[5].expertMatrices = typeBit(DType::Q4_K);
    QCOMPARE(planWith({.mixtures = true}).layersOnGpu(), 31);
    QCOMPARE(planWith({.expertProducts = typeBit(DType::Q4_K)}).layersOnGpu(), 31);
    QCOMPARE(planWith({.expertProducts = typeBit(DType::Q5_K)}).layersOnGpu(), 32);

    // What the self-test cannot find: kernels that are not there.
    needs.needsSpecials = true;
    QCOMPARE(int(planWith({}).reason), int(PlanReason::Full));
    QCOMPARE(int(planWith({.specials = true}).reason), int(PlanReason::CpuGpuWrong));
    needs.beyondGpu = true;
    plan = planWith({});
    QCOMPARE(int(plan.reason), int(PlanReason::CpuGpuLacks));
    QVERIFY(!plan.onGpu() && text(plan).startsWith("CPU, because Hearth's kernels for the GPU lack what this model needs"));
    needs.needsSpecials = needs.beyondGpu = false;
    QCOMPARE(int(planWith({.specials = true}).reason), int(PlanReason::Full));

    // A cache that the GPU gets wrong: another one there, the wished one where the CPU does it all.
    const PlanWishes q8{.kvType = KvType::Q8_0};
    QVERIFY(planWith({}, q8).kvType == KvType::Q8_0);
    plan = planWith({.q8Cache = true}, q8);
    QVERIFY(plan.kvType == KvType::F16 && plan.q8CacheWrong && plan.onGpu());
    QVERIFY(text(plan).contains("keys and values are f16"));
    plan = planWith({.q8Cache = true}, q8, kMebi);
    QVERIFY(plan.kvType == KvType::Q8_0 && !plan.q8CacheWrong && !plan.onGpu());
    QCOMPARE(int(plan.reason), int(PlanReason::CpuGpuTooSmall));
}

void MemoryPlanTest::wrongPartsAreCountedAsTheyAreAllocated() {
    // Layers of this file differ in their types.
    const std::string path = HEARTH_TEST_DATA "/models/gguf/llama-tiny-Q4_K_M.gguf";
    constexpr std::int32_t kChunk = 24;
    const auto needs = core::readMemoryNeeds(path, {kChunk, kChunk});
    QVERIFY(needs.has_value());
    core::TypeSet all = 0;
    for (const core::PartBytes& layer : needs->layerWeights) all |= layer.matrices;
    int partly = 0;
    for (const kernels::DTypeInfo& type : kernels::allDTypes()) {
        if ((all & core::typeBit(type.dtype)) == 0) continue;
        for (const bool lookups : {false, true}) {
            MemoryRoom room = roomWith(kGibi);
            room.gaps.products = core::typeBit(type.dtype);
            if (lookups) room.gaps.lookups = needs->embedding.matrices;
            const MemoryPlan plan = planMemory(*needs, room, {.contextLength = 100});
            partly += plan.layersOnGpu() > 0 && plan.layersOnGpu() < plan.layers ? 1 : 0;
            DeviceBackend cpu(kernels::CpuBackend::create({.threads = 1}));
            DeviceBackend gpu(kernels::CpuBackend::create({.threads = 1}));
            const auto model = core::Model::load(*core::GgufFile::open(path), core::BackendSet{cpu, &gpu, plan.placement}, {.prefillChunk = kChunk, .kvType = plan.kvType}, {}, {});
            QVERIFY(model.has_value());
            const auto cache = (*model)->makeCache(plan.contextLength);
            QVERIFY(cache.has_value());
            QCOMPARE(plan.gpu.total() - plan.gpu.overhead, gpu.usedBytes());
            QCOMPARE(plan.ram.weights, cpu.weightFileBytes());
            QCOMPARE(plan.ram.kv + plan.ram.scratch, cpu.bufferBytes());
        }
    }
    QVERIFY2(partly > 0, "no type of this file is in some layers only");
}

void MemoryPlanTest::unusableFilesHaveNoNeeds() {
    const QTemporaryDir folder;
    const auto missing = core::readMemoryNeeds((folder.path() + "/none.gguf").toStdString());
    QVERIFY(!missing.has_value());
    QCOMPARE(int(missing.error().code), int(core::ErrorCode::FileNotFound));
}

QTEST_GUILESS_MAIN(MemoryPlanTest)
#include "memory_plan_test.moc"
