// SPDX-License-Identifier: Apache-2.0
#include "tests/core/model/arch_models.h"

#include "core/model/arch_table.h"
#include "tests/support/tiny_vocabulary.h"

#include <cmath>
#include <stdexcept>
#include <variant>

namespace hearth::test {

using core::GgufScalar;
using core::GgufValue;
using core::TensorRole;
using core::TensorSpec;

namespace {

GgufValue whole(std::int64_t value) {
    return GgufScalar(value);
}
GgufValue real(double value) {
    return GgufScalar(value);
}
GgufValue flag(bool value) {
    return GgufScalar(value);
}
GgufValue text(std::string value) {
    return GgufScalar(std::move(value));
}

/// FNV-1a: a tensor's values do not depend on which others the file has.
std::uint64_t seedOf(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
    for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    return hash;
}

struct Spread {
    float deviation;
    float mean = 0.0f;
};

/// Attention far from uniform, blocks that outweigh the embedding, logits a few units wide.
Spread spreadOf(const TensorSpec& spec, float layers) {
    const std::string_view name = spec.name;
    const float root = 1.0f / std::sqrt(static_cast<float>(spec.shape[2]));
    const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
    if (name.ends_with(".bias")) return {has("norm") ? 0.2f : 0.4f};
    if (has("q_norm") || has("k_norm")) return {0.3f, 1.2f};
    if (has("norm")) return {0.1f, 1.0f};
    if (has("sinks")) return {1.5f, 2.0f};
    if (has("token_embd")) return {0.5f};
    if (has("position_embd")) return {0.3f};
    if (has("ffn_gate_inp_shexp")) return {0.3f};
    if (has("ffn_gate_inp")) return {0.4f};
    if (name == "output.weight") return {3.0f * root};
    // Deep models would amplify rounding: together their blocks add as much as two.
    const float share = 2.0f / layers;
    if (has("ffn_down")) return {2.0f * share * root};
    if (has("attn_output")) return {share * root};
    if (has("attn_q") || has("attn_k.")) return {1.5f * root};
    return {root};
}

std::vector<float> valuesOf(const TensorSpec& spec, std::uint64_t seed, std::int32_t layers) {
    std::vector<float> values(static_cast<std::size_t>(spec.shape[0] * spec.shape[1] * spec.shape[2]));
    if (spec.role == TensorRole::Host) { // factors of rotations: from 1 for the fastest pair on
        const float step = spec.name.find("short") != std::string::npos ? 0.1f : 1.0f;
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0f + step * static_cast<float>(i);
        return values;
    }
    SeededGaussian random(seedOf(seed, spec.name));
    const Spread spread = spreadOf(spec, static_cast<float>(layers));
    for (float& value : values) value = spread.mean + spread.deviation * random.next();
    return values;
}

/// Random blocks of MXFP4: an exponent of 2^-6 or 2^-5 and sixteen bytes of two numbers each.
std::vector<std::byte> mxfp4Of(const TensorSpec& spec, std::uint64_t seed) {
    SeededGaussian random(seedOf(seed, spec.name));
    ByteWriter blocks;
    for (std::int64_t block = spec.shape[0] * spec.shape[1] * spec.shape[2] / 32; block > 0; --block) {
        blocks.u8(static_cast<std::uint8_t>(121 + random.bits() % 2));
        for (int i = 0; i < 2; ++i) blocks.u64(random.bits());
    }
    return blocks.bytes();
}

bool isInFile(const ArchModel& model, const TensorSpec& spec) {
    const std::string_view name = spec.name;
    if (name.find("attn_qkv") != std::string_view::npos)
        return model.fusedQkv && (spec.role == TensorRole::Matrix || model.optionalBiases);
    if (!spec.insteadOf.empty()) {
        if (model.fusedQkv) return false;
    }
    if (spec.need == core::TensorNeed::Required) return true;
    if (spec.role == TensorRole::Host) return model.factors.contains(std::string(name.substr(0, name.find('.'))));
    if (name == "output.weight") return !model.tiedOutput;
    if (name.find("attn_norm_2") != std::string_view::npos) return model.secondNorm;
    return model.optionalBiases;
}

/// What every architecture has, in sizes that fit a test. Value width differs from key width nowhere but where it is said.
ArchModel basedOn(std::string name, std::string architecture, const char* epsilon = "layer_norm_rms_epsilon") {
    ArchModel model{.name = std::move(name), .architecture = architecture};
    const std::string p = architecture + ".";
    model.keys = {
        {"general.architecture", text(architecture)},
        {"general.name", text("Tiny")}, // llama.cpp expects more of a vocabulary of "phi3"
        {p + "context_length", whole(512)},
        {p + "embedding_length", whole(64)},
        {p + "block_count", whole(2)},
        {p + "feed_forward_length", whole(96)},
        {p + "attention.head_count", whole(4)},
        {p + "attention.head_count_kv", whole(2)},
        {p + "attention." + epsilon, real(1e-5)},
    };
    return model;
}

constexpr const char* kLayerNorm = "layer_norm_epsilon";

/// Half-precision tables of the engine that computed the logits: it looks GELU up.
constexpr double kGeluTable = 0.002;

class Models {
public:
    ArchModel& add(ArchModel model) {
        model.seed = 100 + m_models.size();
        m_models.push_back(std::move(model));
        return m_models.back();
    }
    /// Sets keys without the prefix.
    static void set(ArchModel& model, std::initializer_list<std::pair<const char*, GgufValue>> keys) {
        for (const auto& [suffix, value] : keys) model.keys[model.architecture + "." + suffix] = value;
    }
    [[nodiscard]] std::vector<ArchModel> take() { return std::move(m_models); }

private:
    std::vector<ArchModel> m_models;
};

void addGemmas(Models& models) {
    ArchModel& gemma = models.add(basedOn("gemma", "gemma"));
    Models::set(gemma, {{"attention.key_length", whole(32)}, {"attention.value_length", whole(32)}});
    gemma.tiedOutput = true;
    gemma.extraTolerance = kGeluTable;

    ArchModel& gemma2 = models.add(basedOn("gemma2", "gemma2"));
    Models::set(gemma2, {{"attention.key_length", whole(32)},
                         {"attention.value_length", whole(32)},
                         {"attention.sliding_window", whole(16)},
                         {"attn_logit_softcapping", real(5.0)},
                         {"final_logit_softcapping", real(8.0)}});
    gemma2.tiedOutput = true;
    gemma2.extraTolerance = kGeluTable;

    ArchModel& gemma3 = models.add(basedOn("gemma3", "gemma3"));
    Models::set(gemma3, {{"block_count", whole(6)},
                         {"attention.key_length", whole(32)},
                         {"attention.value_length", whole(32)},
                         {"attention.sliding_window", whole(16)},
                         {"rope.freq_base", real(1e6)},
                         {"rope.scaling.type", text("linear")},
                         {"rope.scaling.factor", real(8.0)}});
    gemma3.tiedOutput = true;
    gemma3.extraTolerance = kGeluTable;
}

void addPhis(Models& models) {
    for (const bool longer : {true, false}) {
        ArchModel& phi3 = models.add(basedOn(longer ? "phi3-long" : "phi3-short", "phi3"));
        Models::set(phi3, {{"context_length", whole(4096)},
                           {"rope.dimension_count", whole(12)},
                           {"rope.scaling.original_context_length", whole(longer ? 24 : 2048)},
                           {"rope.scaling.attn_factor", real(1.19)},
                           {"attention.sliding_window", whole(2047)}});
        phi3.fusedQkv = true;
        phi3.factors = {"rope_factors_long", "rope_factors_short"};
    }
    ArchModel& phi2 = models.add(basedOn("phi2", "phi2", kLayerNorm));
    Models::set(phi2, {{"rope.dimension_count", whole(8)}});
    phi2.fusedQkv = true;
    phi2.optionalBiases = true;
    phi2.extraTolerance = kGeluTable;
}

void addMixtures(Models& models) {
    ArchModel& qwen2moe = models.add(basedOn("qwen2moe", "qwen2moe"));
    Models::set(qwen2moe, {{"expert_count", whole(4)},
                           {"expert_used_count", whole(2)},
                           {"expert_feed_forward_length", whole(32)},
                           {"expert_shared_feed_forward_length", whole(48)},
                           {"rope.freq_base", real(1e6)}});

    ArchModel& deepseek = models.add(basedOn("deepseek", "deepseek"));
    Models::set(deepseek, {{"expert_count", whole(4)},
                           {"expert_used_count", whole(2)},
                           {"expert_feed_forward_length", whole(32)},
                           {"expert_shared_count", whole(2)},
                           {"expert_weights_scale", real(1.5)},
                           {"leading_dense_block_count", whole(1)}});

    for (const bool mxfp4 : {false, true}) {
        ArchModel& gptOss = models.add(basedOn(mxfp4 ? "gpt-oss-mxfp4" : "gpt-oss", "gpt-oss"));
        Models::set(gptOss, {{"attention.key_length", whole(32)},
                             {"attention.value_length", whole(32)},
                             {"attention.sliding_window", whole(16)},
                             {"expert_count", whole(4)},
                             {"expert_used_count", whole(2)},
                             {"expert_feed_forward_length", whole(96)},
                             {"rope.freq_base", real(150000.0)},
                             {"rope.scaling.type", text("yarn")},
                             {"rope.scaling.factor", real(32.0)},
                             {"rope.scaling.original_context_length", whole(24)}});
        gptOss.mxfp4Experts = mxfp4;
    }
}

void addLatents(Models& models) {
    // As files of 2025 have it, without the second query matrix (its 27 layers tell llama.cpp that), and as older ones.
    for (const char* name : {"deepseek2", "deepseek2-lite", "deepseek2-old"}) {
        ArchModel& model = models.add(basedOn(name, "deepseek2"));
        const bool lite = model.name == "deepseek2-lite";
        const bool old = model.name == "deepseek2-old";
        Models::set(model, {{"block_count", whole(lite ? 27 : 2)},
                            {"attention.kv_lora_rank", whole(32)},
                            {"attention.head_count_kv", whole(old ? 4 : 1)},
                            {"attention.key_length", whole(old ? 24 : 40)},
                            {"attention.value_length", whole(old ? 16 : 32)},
                            {"rope.dimension_count", whole(8)},
                            {"rope.scaling.type", text("yarn")},
                            {"rope.scaling.factor", real(40.0)},
                            {"rope.scaling.original_context_length", whole(24)},
                            {"rope.scaling.yarn_log_multiplier", real(0.0707)},
                            {"leading_dense_block_count", whole(1)},
                            {"expert_count", whole(4)},
                            {"expert_used_count", whole(2)},
                            {"expert_feed_forward_length", whole(32)},
                            {"expert_shared_count", whole(2)},
                            {"expert_weights_scale", real(1.5)}});
        if (!lite) Models::set(model, {{"attention.q_lora_rank", whole(24)}});
        if (!old) Models::set(model, {{"attention.key_length_mla", whole(24)}, {"attention.value_length_mla", whole(16)}});
    }
}

void addGranites(Models& models) {
    const auto multipliers = [](ArchModel& model) {
        Models::set(model, {{"logit_scale", real(3.0)},
                            {"residual_scale", real(0.6)},
                            {"embedding_scale", real(4.0)},
                            {"attention.scale", real(0.2)}});
    };
    ArchModel& granite = models.add(basedOn("granite", "granite"));
    multipliers(granite);
    granite.tiedOutput = true;
    ArchModel& unrotated = models.add(basedOn("granite-no-rope", "granite"));
    multipliers(unrotated);
    Models::set(unrotated, {{"rope.scaling.finetuned", flag(false)}});
    ArchModel& mixture = models.add(basedOn("granitemoe", "granitemoe"));
    multipliers(mixture);
    Models::set(mixture, {{"expert_count", whole(4)},
                          {"expert_used_count", whole(2)},
                          {"expert_shared_feed_forward_length", whole(48)}});
}

void addLayerNormed(Models& models) {
    ArchModel& starcoder2 = models.add(basedOn("starcoder2", "starcoder2", kLayerNorm));
    starcoder2.tiedOutput = true;
    starcoder2.extraTolerance = kGeluTable;

    ArchModel& stablelm = models.add(basedOn("stablelm", "stablelm", kLayerNorm));
    Models::set(stablelm, {{"rope.dimension_count", whole(4)}});
    stablelm.optionalBiases = true;

    ArchModel& commandR = models.add(basedOn("command-r", "command-r", kLayerNorm));
    Models::set(commandR, {{"logit_scale", real(0.25)}, {"rope.freq_base", real(8e6)}});
    commandR.tiedOutput = true;

    for (const bool large : {false, true}) {
        ArchModel& falcon = models.add(basedOn(large ? "falcon-40b" : "falcon", "falcon", kLayerNorm));
        Models::set(falcon, {{"attention.head_count_kv", whole(large ? 2 : 1)}});
        falcon.fusedQkv = true;
        falcon.secondNorm = large;
        falcon.tiedOutput = !large;
        falcon.extraTolerance = kGeluTable;
    }
    ArchModel& gpt2 = models.add(basedOn("gpt2", "gpt2", kLayerNorm));
    Models::set(gpt2, {{"context_length", whole(64)}, {"attention.head_count_kv", whole(4)}});
    gpt2.fusedQkv = true;
    gpt2.optionalBiases = true;
    gpt2.tiedOutput = true;
    gpt2.extraTolerance = kGeluTable;

    for (const bool parallel : {true, false}) {
        ArchModel& neox = models.add(basedOn(parallel ? "gptneox" : "gptneox-sequential", "gptneox", kLayerNorm));
        Models::set(neox, {{"use_parallel_residual", flag(parallel)},
                           {"attention.head_count_kv", whole(4)},
                           {"rope.dimension_count", whole(4)}});
        neox.fusedQkv = true;
        neox.optionalBiases = true;
        neox.extraTolerance = kGeluTable;
    }
    models.add(basedOn("olmo", "olmo", kLayerNorm));
}

void addOthers(Models& models) {
    models.add(basedOn("olmo2", "olmo2"));
    ArchModel& olmo3 = models.add(basedOn("olmo3", "olmo2"));
    Models::set(olmo3, {{"block_count", whole(4)},
                        {"attention.sliding_window", whole(16)},
                        {"rope.freq_base", real(500000.0)},
                        {"rope.scaling.type", text("yarn")},
                        {"rope.scaling.factor", real(8.0)},
                        {"rope.scaling.attn_factor", real(1.2)},
                        {"rope.scaling.original_context_length", whole(24)}});
    ArchModel& smollm3 = models.add(basedOn("smollm3", "smollm3"));
    Models::set(smollm3, {{"block_count", whole(4)}, {"rope.freq_base", real(2e6)}});
    smollm3.tiedOutput = true;

    ArchModel& glm4 = models.add(basedOn("glm4", "glm4"));
    Models::set(glm4, {{"rope.dimension_count", whole(8)}});
    glm4.optionalBiases = true;
    ArchModel& chatglm = models.add(basedOn("chatglm", "chatglm"));
    Models::set(chatglm, {{"rope.dimension_count", whole(8)}});
    chatglm.fusedQkv = true;
    chatglm.optionalBiases = true;

    // Beyond the original context: Llama 3's factors, and NTK, which is a larger base.
    ArchModel& llama3 = models.add(basedOn("llama3-factors", "llama"));
    Models::set(llama3, {{"rope.freq_base", real(500000.0)}});
    llama3.factors = {"rope_freqs"};
    ArchModel& ntk = models.add(basedOn("llama-ntk", "llama"));
    Models::set(ntk, {{"rope.freq_base", real(10000.0 * std::pow(8.0, 16.0 / 14.0))}});
    models.add(basedOn("qwen2-plain", "qwen2"));
    models.add(basedOn("qwen3-plain", "qwen3"));
    ArchModel& qwen3moe = models.add(basedOn("qwen3moe-plain", "qwen3moe"));
    Models::set(qwen3moe, {{"expert_count", whole(4)},
                           {"expert_used_count", whole(2)},
                           {"expert_feed_forward_length", whole(32)}});

    ArchModel& seedOss = models.add(basedOn("seed_oss", "seed_oss"));
    Models::set(seedOss, {{"attention.key_length", whole(32)}, {"attention.value_length", whole(32)}});
    seedOss.optionalBiases = true;
}

void writeKey(GgufWriter& writer, const std::string& key, const GgufValue& value) {
    const auto* scalar = std::get_if<GgufScalar>(&value);
    if (scalar == nullptr) throw std::logic_error(key + ": no model has an array among its own keys");
    if (const auto* boolean = std::get_if<bool>(scalar)) writer.addBool(key, *boolean);
    if (const auto* integer = std::get_if<std::int64_t>(scalar)) writer.addUint32(key, static_cast<std::uint32_t>(*integer));
    if (const auto* floating = std::get_if<double>(scalar)) writer.addFloat32(key, static_cast<float>(*floating));
    if (const auto* string = std::get_if<std::string>(scalar)) writer.addString(key, *string);
}

} // namespace

std::vector<ArchModel> archModels() {
    Models models;
    addGemmas(models);
    addPhis(models);
    addMixtures(models);
    addLatents(models);
    addGranites(models);
    addLayerNormed(models);
    addOthers(models);
    return models.take();
}

core::GgufMetadata metadataOf(const ArchModel& model) {
    core::GgufMetadata metadata;
    for (const auto& [key, value] : model.keys) static_cast<void>(metadata.insert(key, value));
    static_cast<void>(metadata.insert("tokenizer.ggml.tokens", core::GgufArray(makeTinyVocabulary().tokens)));
    return metadata;
}

std::vector<TestTensor> tensorsOf(const ArchModel& model) {
    const core::GgufMetadata metadata = metadataOf(model);
    const auto architecture = core::findArchitecture(metadata);
    if (!architecture) throw std::logic_error(model.name + ": " + architecture.error().message);
    const auto config = (*architecture)->readConfig(metadata);
    if (!config) throw std::logic_error(model.name + ": " + config.error().message);
    core::ModelWeights weights;
    std::vector<TestTensor> tensors;
    for (const TensorSpec& spec : (*architecture)->listTensors(*config, weights)) {
        if (!isInFile(model, spec)) continue;
        std::vector<std::uint64_t> dims{static_cast<std::uint64_t>(spec.shape[2])};
        const bool rows = spec.shape[1] > 1 || spec.shape[0] > 1;
        if (rows) dims.push_back(static_cast<std::uint64_t>(spec.shape[1]));
        if (spec.shape[0] > 1) dims.push_back(static_cast<std::uint64_t>(spec.shape[0]));
        const bool expert = spec.name.find("_exps.weight") != std::string::npos;
        if (model.mxfp4Experts && expert) {
            tensors.push_back({spec.name, dims, kernels::info(kernels::DType::MXFP4).ggufId, mxfp4Of(spec, model.seed),
                               std::nullopt});
            continue;
        }
        const std::vector<float> values = valuesOf(spec, model.seed, config->layers);
        const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
        tensors.push_back({spec.name, dims, kernels::info(kernels::DType::F32).ggufId,
                           std::vector<std::byte>(bytes, bytes + values.size() * sizeof(float)), std::nullopt});
    }
    return tensors;
}

GgufWriter fileOf(const ArchModel& model, std::vector<TestTensor> tensors) {
    GgufWriter writer;
    for (const auto& [key, value] : model.keys) writeKey(writer, key, value);
    makeTinyVocabulary().addKeys(writer);
    for (TestTensor& tensor : tensors) writer.addTensor(std::move(tensor));
    return writer;
}

std::filesystem::path writeArchModel(const std::filesystem::path& folder, const ArchModel& model) {
    const std::filesystem::path path = folder / (model.name + ".gguf");
    fileOf(model, tensorsOf(model)).write(path);
    return path;
}

} // namespace hearth::test
