// SPDX-License-Identifier: Apache-2.0
#include "reference_backend.h"

#include "kernels/quant/decode.h"
#include "kernels/quant/half.h"
#include "kernels/quant/q8_0.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

namespace hearth::kernels {

namespace {

class VectorBuffer final : public Buffer {
public:
    explicit VectorBuffer(std::uint64_t bytes)
        : m_bytes(bytes) {}
    void* data() override { return m_bytes.data(); }
    std::uint64_t bytes() const override { return m_bytes.size(); }

private:
    std::vector<std::byte> m_bytes;
};

std::vector<double> decodedRow(const TensorView& weight, std::int64_t expert, std::int64_t row) {
    const std::int64_t cols = weight.cols();
    const std::uint64_t offset =
        bytesFor(weight.dtype, static_cast<std::uint64_t>((expert * weight.rows() + row) * cols));
    std::vector<float> values(static_cast<std::size_t>(cols));
    decodeRow(weight.dtype, values.data(), static_cast<const std::byte*>(weight.data) + offset, cols);
    return {values.begin(), values.end()};
}

double dot(const std::vector<double>& row, const float* x) {
    double sum = 0.0;
    for (std::size_t c = 0; c < row.size(); ++c) sum += row[c] * static_cast<double>(x[c]);
    return sum;
}

/// Position `position` of a head in the cache.
std::vector<double> cachedRow(const KvView& cache, const void* rows, std::int64_t head, std::int64_t position) {
    const std::int64_t dim = cache.headDim;
    const std::int64_t row = head * cache.capacity + position;
    std::vector<double> values;
    for (std::int64_t d = 0; d < dim; ++d) {
        if (cache.type == KvType::F16) {
            values.push_back(halfToFloat(static_cast<const std::uint16_t*>(rows)[row * dim + d]));
        } else {
            const BlockQ8_0& block = static_cast<const BlockQ8_0*>(rows)[(row * dim + d) / 32];
            values.push_back(double(halfToFloat(block.d)) * block.q[d % 32]);
        }
    }
    return values;
}

/// 32 values as q8_0; in f32, as the contract of appendKv says, so that the result is one and the same everywhere.
BlockQ8_0 toBlock(const float* x) {
    constexpr float kMost = 127.0f * 65504.0f;
    BlockQ8_0 block{};
    float largest = 0.0f;
    for (int j = 0; j < 32; ++j) {
        if (std::isnan(x[j])) return {.d = 0x7e00, .q = {}};
        largest = std::max(largest, std::min(kMost, std::fabs(x[j])));
    }
    const float d = largest / 127.0f;
    const float inverse = 1.0f / d;
    block.d = floatToHalf(d);
    for (int j = 0; j < 32 && block.d != 0; ++j) {
        const float scaled = std::min(kMost, std::max(-kMost, x[j])) * inverse;
        const double magnitude = std::floor(std::fabs(double(scaled)) + 0.5); // exact in double; halves away from zero
        block.q[j] = static_cast<std::int8_t>(scaled < 0.0f ? -magnitude : magnitude);
    }
    return block;
}

/// YaRN's ramp, from the paper's own terms: how often pair i turns within the training context decides.
double extrapolated(std::int64_t pair, const RopeParams& p) {
    const auto pairTurning = [&](double turns) {
        return p.dims * std::log(p.originalContext / (turns * 2.0 * std::numbers::pi)) /
               (2.0 * std::log(double(p.base)));
    };
    const double low = std::max(0.0, std::floor(pairTurning(p.betaFast)));
    const double high = std::min(p.dims - 1.0, std::ceil(pairTurning(p.betaSlow)));
    const double position = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
    return 1.0 - std::min(1.0, std::max(0.0, position));
}

} // namespace

std::unique_ptr<Buffer> ReferenceBackend::allocate(std::uint64_t bytes) {
    return std::make_unique<VectorBuffer>(bytes);
}

void ReferenceBackend::upload(const TensorView& to, std::span<const std::byte> from) {
    std::memcpy(to.data, from.data(), from.size());
}

void ReferenceBackend::download(std::span<std::byte> to, const TensorView& from) {
    std::memcpy(to.data(), from.data, to.size());
}

void ReferenceBackend::zero(const TensorView& view) {
    std::memset(view.data, 0, view.bytes());
}

TensorView ReferenceBackend::adoptWeight(DType dtype, std::array<std::int64_t, 3> shape,
                                         std::span<const std::byte> fileBytes) {
    return {const_cast<std::byte*>(fileBytes.data()), dtype, shape};
}

void ReferenceBackend::beginStep(std::stop_token stop) {
    m_stop = std::move(stop);
}

Status ReferenceBackend::endStep() {
    return m_stop.stop_requested() ? Status{StatusCode::Cancelled, "endStep"} : Status{};
}

void ReferenceBackend::embed(const TensorView& out, const TensorView& table, std::span<const std::int32_t> tokens,
                             float factor) {
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        const std::vector<double> row = decodedRow(table, 0, tokens[t]);
        for (std::size_t c = 0; c < row.size(); ++c)
            out.f32()[t * row.size() + c] = static_cast<float>(row[c] * factor);
    }
}

void ReferenceBackend::matmul(const TensorView& out, const TensorView& weight, const TensorView& x) {
    for (std::int64_t r = 0; r < weight.rows(); ++r) {
        const std::vector<double> row = decodedRow(weight, 0, r);
        for (std::int64_t t = 0; t < x.rows(); ++t) {
            out.f32()[t * out.cols() + r] = static_cast<float>(dot(row, x.f32() + t * x.cols()));
        }
    }
}

void ReferenceBackend::rmsNorm(const TensorView& out, const TensorView& x, const TensorView& weight, float eps) {
    const std::int64_t dim = x.cols();
    for (std::int64_t r = 0; r < x.rows(); ++r) {
        double squares = 0.0;
        for (std::int64_t c = 0; c < dim; ++c) squares += std::pow(double(x.f32()[r * dim + c]), 2);
        const double root = std::sqrt(squares / static_cast<double>(dim) + eps);
        for (std::int64_t c = 0; c < dim; ++c) {
            out.f32()[r * dim + c] = static_cast<float>(x.f32()[r * dim + c] / root * weight.f32()[c]);
        }
    }
}

void ReferenceBackend::layerNorm(const TensorView& out, const TensorView& x, const TensorView& weight,
                                 const TensorView& bias, float eps) {
    const std::int64_t dim = x.cols();
    for (std::int64_t r = 0; r < x.rows(); ++r) {
        double sum = 0.0;
        for (std::int64_t c = 0; c < dim; ++c) sum += x.f32()[r * dim + c];
        const double mean = sum / static_cast<double>(dim);
        double squares = 0.0;
        for (std::int64_t c = 0; c < dim; ++c) squares += std::pow(x.f32()[r * dim + c] - mean, 2);
        const double root = std::sqrt(squares / static_cast<double>(dim) + eps);
        for (std::int64_t c = 0; c < dim; ++c) {
            const double shift = bias.data == nullptr ? 0.0 : bias.f32()[c];
            out.f32()[r * dim + c] = static_cast<float>((x.f32()[r * dim + c] - mean) / root * weight.f32()[c] + shift);
        }
    }
}

void ReferenceBackend::addBias(const TensorView& x, const TensorView& bias) {
    for (std::int64_t i = 0; i < x.elements(); ++i)
        x.f32()[i] = static_cast<float>(double(x.f32()[i]) + bias.f32()[i % x.cols()]);
}

void ReferenceBackend::add(const TensorView& x, const TensorView& y) {
    for (std::int64_t i = 0; i < x.elements(); ++i) x.f32()[i] = static_cast<float>(double(x.f32()[i]) + y.f32()[i]);
}

void ReferenceBackend::scale(const TensorView& x, float factor) {
    for (std::int64_t i = 0; i < x.elements(); ++i) x.f32()[i] = static_cast<float>(double(x.f32()[i]) * factor);
}

void ReferenceBackend::softcap(const TensorView& x, float cap) {
    for (std::int64_t i = 0; i < x.elements(); ++i)
        x.f32()[i] = static_cast<float>(cap * std::tanh(double(x.f32()[i]) / cap));
}

void ReferenceBackend::rope(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition,
                            const RopeParams& p) {
    const std::int64_t pairs = p.dims / 2;
    for (std::int64_t t = 0; t < x.rows(); ++t) {
        for (std::int64_t h = 0; h < x.cols() / headDim; ++h) {
            float* head = x.f32() + t * x.cols() + h * headDim;
            for (std::int64_t i = 0; i < pairs; ++i) {
                const double factor = p.frequencyFactors == nullptr ? 1.0 : p.frequencyFactors[i];
                const double own = static_cast<double>(firstPosition + t) /
                                   std::pow(double(p.base), 2.0 * double(i) / p.dims) / factor;
                double angle = own * p.positionScale;
                double magnitude = p.attentionFactor;
                if (p.extensionFactor != 0.0f) {
                    const double mix = extrapolated(i, p) * p.extensionFactor;
                    angle = angle * (1.0 - mix) + own * mix;
                    magnitude *= 1.0 + 0.1 * std::log(1.0 / p.positionScale);
                }
                float& a = p.pairing == RopePairing::Interleaved ? head[2 * i] : head[i];
                float& b = p.pairing == RopePairing::Interleaved ? head[2 * i + 1] : head[i + pairs];
                const double x0 = a;
                const double x1 = b;
                a = static_cast<float>(magnitude * (x0 * std::cos(angle) - x1 * std::sin(angle)));
                b = static_cast<float>(magnitude * (x0 * std::sin(angle) + x1 * std::cos(angle)));
            }
        }
    }
}

void ReferenceBackend::appendKv(const KvView& cache, const TensorView& k, const TensorView& v,
                                std::int32_t firstPosition) {
    const auto toHalf = [](float value) { return floatToHalf(std::min(65504.0f, std::max(-65504.0f, value))); };
    for (std::int64_t t = 0; t < k.rows(); ++t) {
        for (std::int64_t c = 0; c < k.cols(); ++c) {
            const std::int64_t head = c / cache.headDim;
            const std::int64_t at = (head * cache.capacity + firstPosition + t) * cache.headDim + c % cache.headDim;
            if (cache.type == KvType::F16) {
                static_cast<std::uint16_t*>(cache.keys)[at] = toHalf(k.f32()[t * k.cols() + c]);
                static_cast<std::uint16_t*>(cache.values)[at] = toHalf(v.f32()[t * v.cols() + c]);
            } else if (c % 32 == 0) {
                static_cast<BlockQ8_0*>(cache.keys)[at / 32] = toBlock(k.f32() + t * k.cols() + c);
                static_cast<BlockQ8_0*>(cache.values)[at / 32] = toBlock(v.f32() + t * v.cols() + c);
            }
        }
    }
}

void ReferenceBackend::attention(const TensorView& out, const TensorView& q, const KvView& cache,
                                 std::int32_t firstPosition, const AttentionParams& params) {
    const std::int64_t dim = cache.headDim;
    const std::int64_t group = params.heads / cache.kvHeads;
    for (std::int64_t t = 0; t < q.rows(); ++t) {
        const std::int64_t position = firstPosition + t;
        const std::int64_t first = params.window > 0 ? std::max<std::int64_t>(0, position - params.window + 1) : 0;
        const std::int64_t last = params.causal ? position : firstPosition + q.rows() - 1;
        for (std::int64_t h = 0; h < params.heads; ++h) {
            const float* query = q.f32() + t * q.cols() + h * dim;
            std::vector<double> scores;
            for (std::int64_t j = first; j <= last; ++j) {
                const double score = dot(cachedRow(cache, cache.keys, h / group, j), query) * params.scale;
                scores.push_back(params.softcap > 0.0f ? params.softcap * std::tanh(score / params.softcap) : score);
            }
            double largest = *std::max_element(scores.begin(), scores.end());
            if (params.sinks.data != nullptr) largest = std::max(largest, double(params.sinks.f32()[h]));
            const auto weight = [&](double score) {
                return std::isinf(score) && score < 0 ? 0.0 : std::exp(score - largest);
            };
            double total = params.sinks.data != nullptr ? weight(params.sinks.f32()[h]) : 0.0;
            std::vector<double> sums(static_cast<std::size_t>(dim));
            for (std::size_t j = 0; j < scores.size(); ++j) {
                const double part = weight(scores[j]);
                total += part;
                if (part == 0.0) continue;
                const std::vector<double> value =
                    cachedRow(cache, cache.values, h / group, first + static_cast<std::int64_t>(j));
                for (std::size_t d = 0; d < sums.size(); ++d) sums[d] += part * value[d];
            }
            for (std::size_t d = 0; d < sums.size(); ++d) {
                out.f32()[t * out.cols() + h * dim + static_cast<std::int64_t>(d)] =
                    total > 0.0 ? static_cast<float>(sums[d] / total) : 0.0f;
            }
        }
    }
}

void ReferenceBackend::swiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    for (std::int64_t i = 0; i < out.elements(); ++i) {
        const double x = gate.f32()[i];
        out.f32()[i] = static_cast<float>(x / (1.0 + std::exp(-x)) * up.f32()[i]);
    }
}

void ReferenceBackend::geGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    for (std::int64_t i = 0; i < out.elements(); ++i) {
        const double x = gate.f32()[i];
        const double inner = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x);
        out.f32()[i] = static_cast<float>(0.5 * x * (1.0 + std::tanh(inner)) * up.f32()[i]);
    }
}

void ReferenceBackend::moeRoute(const TensorView& ids, const TensorView& weights, const TensorView& logits,
                                bool renormalise) {
    const std::int64_t experts = logits.cols();
    const std::int64_t k = ids.cols();
    for (std::int64_t t = 0; t < logits.rows(); ++t) {
        const float* row = logits.f32() + t * experts;
        const double largest = *std::max_element(row, row + experts);
        double total = 0.0;
        for (std::int64_t e = 0; e < experts; ++e) total += std::exp(row[e] - largest);
        std::vector<bool> taken(static_cast<std::size_t>(experts));
        double chosen = 0.0;
        std::vector<double> parts;
        for (std::int64_t j = 0; j < k; ++j) {
            std::int64_t best = -1;
            for (std::int64_t e = 0; e < experts; ++e) {
                if (!taken[static_cast<std::size_t>(e)] && (best < 0 || row[e] > row[best])) best = e;
            }
            taken[static_cast<std::size_t>(best)] = true;
            static_cast<std::int32_t*>(ids.data)[t * k + j] = static_cast<std::int32_t>(best);
            parts.push_back(std::exp(row[best] - largest) / total);
            chosen += parts.back();
        }
        for (std::int64_t j = 0; j < k; ++j) {
            const double part = parts[static_cast<std::size_t>(j)];
            weights.f32()[t * k + j] = static_cast<float>(renormalise ? part / chosen : part);
        }
    }
}

void ReferenceBackend::matmulExperts(const TensorView& out, const TensorView& weight, const TensorView& x,
                                     const TensorView& ids) {
    const std::int64_t pairsPerRow = x.rows() == ids.elements() ? 1 : ids.cols();
    for (std::int64_t i = 0; i < ids.elements(); ++i) {
        const std::int32_t expert = static_cast<const std::int32_t*>(ids.data)[i];
        for (std::int64_t r = 0; r < weight.rows(); ++r) {
            out.f32()[i * weight.rows() + r] =
                static_cast<float>(dot(decodedRow(weight, expert, r), x.f32() + i / pairsPerRow * x.cols()));
        }
    }
}

void ReferenceBackend::moeCombine(const TensorView& out, const TensorView& x, const TensorView& weights) {
    const std::int64_t k = weights.cols();
    for (std::int64_t t = 0; t < out.rows(); ++t) {
        for (std::int64_t c = 0; c < out.cols(); ++c) {
            double sum = 0.0;
            for (std::int64_t j = 0; j < k; ++j)
                sum += double(weights.f32()[t * k + j]) * x.f32()[(t * k + j) * x.cols() + c];
            out.f32()[t * out.cols() + c] = static_cast<float>(sum);
        }
    }
}

void ReferenceBackend::clampedSwiGlu(const TensorView& out, const TensorView& gate, const TensorView& up) {
    for (std::int64_t i = 0; i < out.elements(); ++i) {
        const double g = std::isnan(gate.f32()[i]) ? double(gate.f32()[i]) : std::fmin(gate.f32()[i], 7.0);
        const double u = std::isnan(up.f32()[i]) ? double(up.f32()[i]) : std::fmax(-7.0, std::fmin(up.f32()[i], 7.0));
        out.f32()[i] = static_cast<float>(g / (1.0 + std::exp(-1.702 * g)) * (u + 1.0));
    }
}

void ReferenceBackend::addExpertBias(const TensorView& x, const TensorView& bias, const TensorView& ids) {
    for (std::int64_t r = 0; r < x.rows(); ++r) {
        const std::int32_t expert = static_cast<const std::int32_t*>(ids.data)[r];
        for (std::int64_t c = 0; c < x.cols(); ++c) x.f32()[r * x.cols() + c] += bias.f32()[expert * x.cols() + c];
    }
}

void ReferenceBackend::copyColumns(const TensorView& out, std::int64_t outFrom, const TensorView& in,
                                   std::int64_t inFrom, std::int64_t count) {
    for (std::int64_t r = 0; r < out.rows(); ++r) {
        for (std::int64_t c = 0; c < count; ++c) {
            const std::int64_t row = r * in.rows() / out.rows();
            out.f32()[r * out.cols() + outFrom + c] = in.f32()[row * in.cols() + inFrom + c];
        }
    }
}

} // namespace hearth::kernels
