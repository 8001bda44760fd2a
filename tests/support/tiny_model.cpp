// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_model.h"

#include "tests/support/gguf_writer.h"
#include "tests/support/tiny_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

namespace hearth::test {

namespace {

constexpr std::int32_t kEmbedding = 64;
constexpr std::int32_t kHeads = 4;
constexpr std::int32_t kKvHeads = 2;
constexpr std::int32_t kHeadDim = 32; // not kEmbedding / kHeads: a reader that ignores attention.key_length must fail
constexpr std::int32_t kPlainHeadDim = kEmbedding / kHeads;
constexpr std::int32_t kFeedForward = 96;
constexpr std::int32_t kExpertFeedForward = 64;
constexpr std::int32_t kExpertsUsed = 2;

constexpr std::string_view kChatTemplate = "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + "
                                           "message['content'] + eos_token + '\\n' }}{% endfor %}"
                                           "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

class TinyModelBuilder {
public:
    explicit TinyModelBuilder(const TinyModelOptions& options)
        : m_options(options)
        , m_random(options.seed) {}

    GgufWriter build() {
        addKeys();
        addTensors();
        return std::move(m_writer);
    }

private:
    [[nodiscard]] bool isQwen3() const { return m_options.architecture.starts_with("qwen3"); }
    [[nodiscard]] bool isQwen2() const { return m_options.architecture == "qwen2"; }
    [[nodiscard]] std::int32_t experts() const {
        return m_options.experts > 0 ? m_options.experts : (m_options.architecture == "qwen3moe" ? 4 : 0);
    }
    [[nodiscard]] std::int32_t headDim() const { return isQwen3() ? kHeadDim : kPlainHeadDim; }
    [[nodiscard]] std::int32_t expertFeedForward() const {
        return m_options.architecture == "llama" ? kFeedForward : kExpertFeedForward;
    }

    void addKeys() {
        const std::string& arch = m_options.architecture;
        const auto key = [&](std::string_view suffix) { return fmt::format("{}.{}", arch, suffix); };
        m_writer.addString("general.architecture", arch);
        m_writer.addString("general.name", m_options.name);
        m_writer.addUint32("general.file_type", m_options.dtype == kernels::DType::F32
                                                    ? 0
                                                    : (m_options.dtype == kernels::DType::F16 ? 1 : 7));
        m_writer.addUint32(key("context_length"), static_cast<std::uint32_t>(m_options.contextLength));
        m_writer.addUint32(key("embedding_length"), kEmbedding);
        m_writer.addUint32(key("block_count"), static_cast<std::uint32_t>(m_options.layers));
        m_writer.addUint32(key("feed_forward_length"), kFeedForward);
        m_writer.addUint32(key("attention.head_count"), kHeads);
        m_writer.addUint32(key("attention.head_count_kv"), kKvHeads);
        m_writer.addFloat32(key("attention.layer_norm_rms_epsilon"), 1e-5f);
        m_writer.addFloat32(key("rope.freq_base"), arch == "llama" ? 10000.0f : 1000000.0f);
        if (!m_options.ropeScaling.empty()) {
            m_writer.addString(key("rope.scaling.type"), m_options.ropeScaling);
            m_writer.addFloat32(key("rope.scaling.factor"), m_options.ropeScalingFactor);
            m_writer.addUint32(key("rope.scaling.original_context_length"),
                               static_cast<std::uint32_t>(m_options.originalContext));
        }
        if (isQwen3()) {
            m_writer.addUint32(key("attention.key_length"), kHeadDim);
            m_writer.addUint32(key("attention.value_length"), kHeadDim);
        }
        if (experts() > 0) {
            m_writer.addUint32(key("expert_count"), static_cast<std::uint32_t>(experts()));
            m_writer.addUint32(key("expert_used_count"), kExpertsUsed);
            if (arch != "llama") m_writer.addUint32(key("expert_feed_forward_length"), kExpertFeedForward);
        }
        TinyVocabulary shown = m_vocabulary;
        for (const auto& [spelling, control] : m_options.controls) {
            const auto token = static_cast<std::size_t>(std::ranges::find(shown.tokens, spelling) - shown.tokens.begin());
            shown.tokens.at(token) = control;
            shown.kinds.at(token) = static_cast<std::int32_t>(TinyTokenKind::Control);
        }
        shown.addKeys(m_writer);
        if (m_options.chatTemplate) {
            m_writer.addString("tokenizer.chat_template", m_options.chatTemplateText.empty()
                                                              ? kChatTemplate
                                                              : std::string_view(m_options.chatTemplateText));
        }
    }

    void addMatrix(const std::string& name, std::vector<std::uint64_t> dims, float gain = 1.0f) {
        addGaussian(name, dims, m_options.dtype, gain / std::sqrt(static_cast<float>(dims[0])));
    }

    void addGaussian(const std::string& name, const std::vector<std::uint64_t>& dims, kernels::DType dtype,
                     float deviation, float mean = 0.0f) {
        std::uint64_t count = 1;
        for (const std::uint64_t dim : dims)
            count *= dim;
        std::vector<float> values(count);
        for (float& value : values)
            value = mean + deviation * m_random.next();
        m_writer.addTensor(name, dims, dtype, values);
    }

    void addNorm(const std::string& name, std::uint64_t dim) {
        addGaussian(name, {dim}, kernels::DType::F32, 0.1f, 1.0f);
    }

    void addFeedForward(const std::string& prefix, const std::string& suffix, std::uint64_t width,
                        std::uint64_t count) {
        const auto dims = [&](std::uint64_t columns, std::uint64_t rows) {
            return count > 0 ? std::vector<std::uint64_t>{columns, rows, count}
                             : std::vector<std::uint64_t>{columns, rows};
        };
        addMatrix(prefix + "ffn_gate" + suffix + ".weight", dims(kEmbedding, width));
        addMatrix(prefix + "ffn_up" + suffix + ".weight", dims(kEmbedding, width));
        addMatrix(prefix + "ffn_down" + suffix + ".weight", dims(width, kEmbedding), 2.0f);
    }

    void addTensors() {
        const std::uint64_t vocabulary = m_vocabulary.tokens.size();
        addGaussian("token_embd.weight", {kEmbedding, vocabulary}, m_options.dtype, 0.5f);
        const auto queryWidth = static_cast<std::uint64_t>(kHeads * headDim());
        const auto kvWidth = static_cast<std::uint64_t>(kKvHeads * headDim());
        for (std::int32_t layer = 0; layer < m_options.layers; ++layer) {
            const std::string prefix = fmt::format("blk.{}.", layer);
            addNorm(prefix + "attn_norm.weight", kEmbedding);
            addMatrix(prefix + "attn_q.weight", {kEmbedding, queryWidth}, 1.5f);
            addMatrix(prefix + "attn_k.weight", {kEmbedding, kvWidth}, 1.5f);
            addMatrix(prefix + "attn_v.weight", {kEmbedding, kvWidth});
            addMatrix(prefix + "attn_output.weight", {queryWidth, kEmbedding});
            const bool llamaBiases = m_options.biases && m_options.architecture == "llama";
            if (isQwen2() || llamaBiases) {
                addGaussian(prefix + "attn_q.bias", {queryWidth}, kernels::DType::F32, 0.5f);
                addGaussian(prefix + "attn_k.bias", {kvWidth}, kernels::DType::F32, 0.5f);
                addGaussian(prefix + "attn_v.bias", {kvWidth}, kernels::DType::F32, 0.5f);
            }
            if (llamaBiases) {
                addGaussian(prefix + "attn_output.bias", {kEmbedding}, kernels::DType::F32, 0.5f);
                addGaussian(prefix + "ffn_gate.bias", {kFeedForward}, kernels::DType::F32, 0.5f);
                addGaussian(prefix + "ffn_up.bias", {kFeedForward}, kernels::DType::F32, 0.5f);
                addGaussian(prefix + "ffn_down.bias", {kEmbedding}, kernels::DType::F32, 0.5f);
            }
            if (isQwen3()) {
                addGaussian(prefix + "attn_q_norm.weight", {static_cast<std::uint64_t>(headDim())}, kernels::DType::F32,
                            0.3f, 1.2f);
                addGaussian(prefix + "attn_k_norm.weight", {static_cast<std::uint64_t>(headDim())}, kernels::DType::F32,
                            0.3f, 1.2f);
            }
            addNorm(prefix + "ffn_norm.weight", kEmbedding);
            if (experts() == 0) {
                addFeedForward(prefix, "", kFeedForward, 0);
                continue;
            }
            addGaussian(prefix + "ffn_gate_inp.weight", {kEmbedding, static_cast<std::uint64_t>(experts())},
                        kernels::DType::F32, 0.4f);
            addFeedForward(prefix, "_exps", static_cast<std::uint64_t>(expertFeedForward()),
                           static_cast<std::uint64_t>(experts()));
        }
        addNorm("output_norm.weight", kEmbedding);
        if (!m_options.tiedOutput) addOutput();
    }

    /// Rows of printable tokens speak up; bytes, control tokens and <unk> hardly ever win.
    void addOutput() {
        const std::size_t count = m_vocabulary.tokens.size();
        std::vector<float> values(count * kEmbedding);
        for (std::size_t token = 0; token < count; ++token) {
            const bool printable = m_vocabulary.kinds[token] == static_cast<std::int32_t>(TinyTokenKind::Normal);
            const float deviation = (printable ? 3.0f : 0.3f) / std::sqrt(static_cast<float>(kEmbedding));
            for (std::int32_t i = 0; i < kEmbedding; ++i) {
                values[token * kEmbedding + static_cast<std::size_t>(i)] = deviation * m_random.next();
            }
        }
        m_writer.addTensor("output.weight", {kEmbedding, count}, m_options.dtype, values);
    }

    const TinyModelOptions& m_options;
    SeededGaussian m_random;
    TinyVocabulary m_vocabulary = makeTinyVocabulary();
    GgufWriter m_writer;
};

} // namespace

std::filesystem::path writeTinyModel(const std::filesystem::path& folder, const TinyModelOptions& options) {
    std::string file = options.name + ".gguf";
    std::ranges::replace(file, ' ', '-');
    const std::filesystem::path path = folder / file;
    TinyModelBuilder(options).build().write(path);
    return path;
}

} // namespace hearth::test
