// SPDX-License-Identifier: Apache-2.0
//
// Files that are wrong in one place, for every architecture: each of its tensors missing, of another shape, of another type; each
// of its keys missing, of another kind, or of a value that cannot be. All are refused before a weight is read, and named.
#include "core/gguf/gguf_file.h"
#include "core/model/arch_table.h"
#include "core/model/model.h"
#include "tests/core/model/arch_models.h"

#include <QTest>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

using namespace hearth;
using core::Error;
using core::ErrorCode;
using core::GgufFile;
using core::GgufScalar;
using core::Model;
using test::ArchModel;
using test::TestTensor;

namespace {

/// Why the file of this model with these tensors is refused; nothing when it is not.
std::optional<Error> refusal(const ArchModel& model, std::vector<TestTensor> tensors) {
    const std::vector<std::byte> bytes = test::fileOf(model, std::move(tensors)).build();
    const auto file = GgufFile::parse(bytes, "generated");
    if (!file) return file.error();
    const auto config = Model::check(*file);
    if (!config) return config.error();
    return std::nullopt;
}

bool names(const Error& error, std::string_view what) {
    return error.message.find(what) != std::string::npos;
}

QString told(std::string_view what, const std::optional<Error>& error) {
    return QString("%1: %2").arg(QString::fromUtf8(what.data(), static_cast<qsizetype>(what.size())),
                                 error ? QString::fromStdString(error->message) : QString("was accepted"));
}

/// Zeros: no check reads them.
void setShape(TestTensor& tensor, std::vector<std::uint64_t> dims) {
    std::uint64_t count = 1;
    for (const std::uint64_t dim : dims) count *= dim;
    tensor.dims = std::move(dims);
    tensor.typeId = kernels::info(kernels::DType::F32).ggufId;
    tensor.data.assign(count * sizeof(float), std::byte{0});
}

/// Keys that a model is complete without, in any of its variants: what they mean by their absence is a value of its own.
constexpr auto kOptionalKeys = std::to_array<std::string_view>({
    "general.name",
    "attention.head_count_kv", // every head has its own
    "attention.key_length", // embedding / heads
    "attention.value_length",
    "attention.key_length_mla", // then attention.value_length counts, and other tensors
    "attention.q_lora_rank",
    "attention.scale",
    "attention.sliding_window",
    "attn_logit_softcapping",
    "embedding_scale",
    "expert_count", // dense, where the architecture has both
    "expert_feed_forward_length", // feed_forward_length
    "expert_shared_count",
    "expert_shared_feed_forward_length",
    "expert_weights_scale",
    "feed_forward_length", // where all blocks are mixtures
    "final_logit_softcapping",
    "leading_dense_block_count",
    "logit_scale",
    "residual_scale",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.attn_factor",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "rope.scaling.yarn_log_multiplier",
});

std::string_view suffixOf(const ArchModel& model, std::string_view key) {
    return key.starts_with(model.architecture + ".") ? key.substr(model.architecture.size() + 1) : key;
}

} // namespace

class BadInputTest : public QObject {
    Q_OBJECT

private slots:
    void tensors_data() { addModels(); }
    void tensors();
    void missingKeys_data() { addModels(); }
    void missingKeys();
    void absurdKeys_data() { addModels(); }
    void absurdKeys();

private:
    static void addModels() {
        QTest::addColumn<int>("index");
        const auto models = test::archModels();
        for (std::size_t i = 0; i < models.size(); ++i) {
            if (models[i].keys.at(models[i].architecture + ".block_count") != core::GgufValue(GgufScalar(std::int64_t{27})))
                QTest::addRow("%s", models[i].name.c_str()) << static_cast<int>(i);
        }
    }
};

void BadInputTest::tensors() {
    QFETCH(int, index);
    const ArchModel model = test::archModels()[static_cast<std::size_t>(index)];
    const std::vector<TestTensor> right = test::tensorsOf(model);
    const auto accepted = refusal(model, right);
    QVERIFY2(!accepted, qPrintable(told("the file as it should be", accepted)));

    const auto optional = [&](std::string_view name) {
        return name == "output.weight" || name.starts_with("rope_f") || name.find("attn_norm_2") != std::string_view::npos ||
               (name.ends_with(".bias") && model.optionalBiases);
    };
    int missing = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
        const std::string& name = right[i].name;
        std::vector<TestTensor> tensors = right;
        tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
        if (!optional(name)) {
            const auto error = refusal(model, tensors);
            QVERIFY2(error && error->code == ErrorCode::MissingTensor && names(*error, name), qPrintable(told(name, error)));
            ++missing;
        }
        for (const int change : {0, 1, 2}) {
            tensors = right;
            std::vector<std::uint64_t> dims = right[i].dims;
            if (change == 0) dims[0] += 32;
            if (change == 1) dims.push_back(2);
            if (change == 2) std::ranges::reverse(dims);
            if (dims == right[i].dims) continue; // square
            setShape(tensors[i], dims);
            const auto error = refusal(model, std::move(tensors));
            QVERIFY2(error && error->code == ErrorCode::WrongShape && names(*error, name), qPrintable(told(name, error)));
        }
        const bool vector = right[i].dims.size() == 1;
        for (const kernels::DType type : {kernels::DType::I32, kernels::DType::F16}) {
            if (type == kernels::DType::F16 && !vector) continue; // a matrix may be
            if (type == kernels::DType::F16 && name.find("shexp") != std::string::npos) continue; // a matrix of one row
            tensors = right;
            setShape(tensors[i], right[i].dims);
            tensors[i].typeId = kernels::info(type).ggufId;
            if (type == kernels::DType::F16) tensors[i].data.resize(tensors[i].data.size() / 2);
            const auto error = refusal(model, std::move(tensors));
            QVERIFY2(error && names(*error, name), qPrintable(told(name, error)));
            QVERIFY2(error->code == ErrorCode::WrongShape || error->code == ErrorCode::UnsupportedTensorType,
                     qPrintable(told(name, error)));
        }
    }
    QVERIFY(missing >= 6);

    std::vector<TestTensor> tensors = right;
    tensors.push_back({"blk.0.strange.weight", {4}, 0, std::vector<std::byte>(16), std::nullopt});
    const auto error = refusal(model, std::move(tensors));
    QVERIFY2(error && error->code == ErrorCode::UnsupportedArchitecture && names(*error, "blk.0.strange.weight"),
             qPrintable(told("an unknown tensor", error)));
}

void BadInputTest::missingKeys() {
    QFETCH(int, index);
    const ArchModel right = test::archModels()[static_cast<std::size_t>(index)];
    const std::vector<TestTensor> tensors = test::tensorsOf(right);
    int required = 0;
    for (const auto& [key, value] : right.keys) {
        ArchModel model = right;
        model.keys.erase(key);
        const auto error = refusal(model, tensors);
        if (std::ranges::find(kOptionalKeys, suffixOf(right, key)) != kOptionalKeys.end()) {
            // Accepted, or refused for what now lacks or does not fit: never in silence, never by a crash.
            QVERIFY2(!error || names(*error, "key '") || names(*error, "tensor '"), qPrintable(told(key, error)));
            continue;
        }
        QVERIFY2(error && error->code == ErrorCode::MissingKey && names(*error, key), qPrintable(told(key, error)));
        ++required;
    }
    QVERIFY(required >= 6); // architecture, context, width, blocks, heads, epsilon
}

void BadInputTest::absurdKeys() {
    QFETCH(int, index);
    const ArchModel right = test::archModels()[static_cast<std::size_t>(index)];
    const std::vector<TestTensor> tensors = test::tensorsOf(right);
    const auto check = [&](const std::string& key, const char* what, const core::GgufValue& value) {
        ArchModel model = right;
        model.keys[key] = value;
        const auto error = refusal(model, tensors);
        const bool named = error && (names(*error, suffixOf(right, key)) || names(*error, "tensor '"));
        // What the key leads to may be what is named.
        const bool led = error && (names(*error, "head size") || names(*error, "attention.head_count"));
        QVERIFY2(named || led, qPrintable(told(key + " = " + what, error)));
    };
    for (const auto& [key, value] : right.keys) {
        if (key.starts_with("general.") || key == "phi3.attention.sliding_window") continue; // are not read
        const auto& scalar = std::get<GgufScalar>(value);
        if (std::holds_alternative<std::int64_t>(scalar)) {
            check(key, "2^32 - 1", GgufScalar(std::int64_t{4'294'967'295}));
            check(key, "text", GgufScalar(std::string("strange")));
        } else if (std::holds_alternative<double>(scalar)) {
            check(key, "NaN", GgufScalar(std::numeric_limits<double>::quiet_NaN()));
            check(key, "infinity", GgufScalar(std::numeric_limits<double>::infinity()));
            check(key, "-1", GgufScalar(-1.0));
            check(key, "text", GgufScalar(std::string("strange")));
        } else if (std::holds_alternative<std::string>(scalar)) {
            check(key, "text", GgufScalar(std::string("strange")));
            check(key, "1", GgufScalar(std::int64_t{1}));
        } else {
            check(key, "text", GgufScalar(std::string("strange")));
        }
    }
    for (const char* suffix : {"context_length", "embedding_length", "block_count", "attention.head_count"})
        check(right.architecture + "." + suffix, "0", GgufScalar(std::int64_t{0}));
}

QTEST_GUILESS_MAIN(BadInputTest)
#include "bad_input_test.moc"
