// SPDX-License-Identifier: Apache-2.0
#include "core/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <unordered_map>

namespace hearth::core {

namespace {

/// DRY looks this far back: its cost grows with the window, its use does not.
constexpr std::size_t kDryWindow = 4096;
/// Longer repetitions are punished as this long: base^n would overflow.
constexpr std::size_t kDryLongestMatch = 50;

/// Finaliser of SplitMix64 (Steele 2014): an integer hash whose output bits are all well mixed.
std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 30;
    value *= 0xBF58476D1CE4E5B9u;
    value ^= value >> 27;
    value *= 0x94D049BB133111EBu;
    value ^= value >> 31;
    return value;
}

} // namespace

std::int64_t freshSeed() {
    std::random_device entropy;
    const std::uint64_t bits = (static_cast<std::uint64_t>(entropy()) << 32) | entropy();
    // 53 bits: exact in JSON and in every language that may read it later.
    return static_cast<std::int64_t>(bits >> 11);
}

Sampler::Sampler(const SamplingSettings& settings, std::uint64_t seed, std::vector<TokenId> dryBreakers)
    : m_settings(settings)
    , m_seed(seed)
    , m_dryBreakers(std::move(dryBreakers)) {}

void Sampler::accept(TokenId token) {
    m_history.push_back(token);
}

void Sampler::accept(std::span<const TokenId> tokens) {
    m_history.insert(m_history.end(), tokens.begin(), tokens.end());
}

double Sampler::uniform() {
    constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15u;
    const std::uint64_t bits = mix(mix(m_seed) + (++m_draws) * kGoldenRatio);
    return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

void Sampler::applyPenalties() {
    const bool repeats = m_settings.repeatPenalty != 1.0f && m_settings.repeatPenalty > 0.0f;
    if (!repeats && m_settings.frequencyPenalty == 0.0f && m_settings.presencePenalty == 0.0f) return;
    const std::size_t window = m_settings.penaltyWindow < 0 ? m_history.size()
                                                            : std::min<std::size_t>(m_history.size(), static_cast<std::size_t>(m_settings.penaltyWindow));
    std::unordered_map<TokenId, int> counts;
    for (const TokenId token : std::span(m_history).last(window)) ++counts[token];
    for (const auto& [token, count] : counts) {
        if (token < 0 || static_cast<std::size_t>(token) >= m_logits.size()) continue;
        float& logit = m_logits[static_cast<std::size_t>(token)];
        if (repeats) logit = logit > 0.0f ? logit / m_settings.repeatPenalty : logit * m_settings.repeatPenalty;
        logit -= static_cast<float>(count) * m_settings.frequencyPenalty + m_settings.presencePenalty;
    }
}

void Sampler::applyDry() {
    if (m_settings.dryMultiplier <= 0.0f || m_history.size() < 2) return;
    // Reversed, so that "how long is the repetition that ends here" becomes "how long is the common prefix": the Z array.
    std::vector<TokenId> recent(m_history.rbegin(), m_history.rbegin() + static_cast<std::ptrdiff_t>(std::min(m_history.size(), kDryWindow)));
    const auto breaks = [this](TokenId token) { return std::ranges::find(m_dryBreakers, token) != m_dryBreakers.end(); };
    const auto limit = static_cast<std::size_t>(std::ranges::find_if(recent, breaks) - recent.begin());
    std::vector<std::size_t> z(recent.size(), 0);
    std::unordered_map<TokenId, std::size_t> longest;
    std::size_t left = 0;
    std::size_t right = 0;
    for (std::size_t i = 1; i < recent.size(); ++i) {
        std::size_t length = i < right ? std::min(right - i, z[i - left]) : 0;
        while (i + length < recent.size() && recent[length] == recent[i + length]) ++length;
        z[i] = length;
        if (i + length > right) {
            left = i;
            right = i + length;
        }
        // The text up to token i (counted from the end) repeats the newest `length` tokens; recent[i - 1] followed it.
        const std::size_t match = std::min({length, limit, kDryLongestMatch});
        std::size_t& best = longest[recent[i - 1]];
        best = std::max(best, match);
    }
    for (const auto& [token, length] : longest) {
        if (token < 0 || static_cast<std::size_t>(token) >= m_logits.size() || breaks(token)) continue;
        const auto allowed = static_cast<std::size_t>(std::max(m_settings.dryAllowedLength, 1));
        if (length < allowed) continue;
        m_logits[static_cast<std::size_t>(token)] -=
            m_settings.dryMultiplier * std::pow(m_settings.dryBase, static_cast<float>(length - allowed));
    }
}

std::optional<TokenId> Sampler::argmax() const {
    std::size_t best = m_logits.size();
    for (std::size_t i = 0; i < m_logits.size(); ++i) {
        if (!std::isfinite(m_logits[i])) continue;
        if (best == m_logits.size() || m_logits[i] > m_logits[best]) best = i;
    }
    if (best == m_logits.size()) return std::nullopt;
    return static_cast<TokenId>(best);
}

void Sampler::keepTopK(std::size_t k) {
    const auto better = [](const Candidate& a, const Candidate& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    if (k < m_candidates.size()) {
        std::nth_element(m_candidates.begin(), m_candidates.begin() + static_cast<std::ptrdiff_t>(k), m_candidates.end(), better);
        m_candidates.resize(k);
        m_sorted = false;
    }
    if (!m_sorted) std::ranges::sort(m_candidates, better);
    m_sorted = true;
}

void Sampler::computeProbabilities() {
    float highest = -std::numeric_limits<float>::infinity();
    for (const Candidate& candidate : m_candidates) highest = std::max(highest, candidate.logit);
    double sum = 0.0;
    for (Candidate& candidate : m_candidates) {
        candidate.probability = std::exp(candidate.logit - highest);
        sum += candidate.probability;
    }
    for (Candidate& candidate : m_candidates) candidate.probability = static_cast<float>(candidate.probability / sum);
}

void Sampler::keepTopP(float p) {
    if (p >= 1.0f) return;
    computeProbabilities();
    // Selecting a growing head is cheaper than sorting 100,000 candidates: the head that holds p is nearly always short.
    const std::vector<Candidate> all = m_sorted ? std::vector<Candidate>{} : m_candidates;
    for (std::size_t head = 256;; head *= 8) {
        if (!m_sorted) keepTopK(head);
        double cumulative = 0.0;
        for (std::size_t i = 0; i < m_candidates.size(); ++i) {
            cumulative += m_candidates[i].probability;
            if (cumulative >= p) {
                m_candidates.resize(i + 1);
                return;
            }
        }
        if (all.empty() || head >= all.size()) return;
        m_candidates = all;
        m_sorted = false;
    }
}

void Sampler::keepTypical(float p) {
    if (p >= 1.0f) return;
    computeProbabilities();
    double entropy = 0.0;
    for (const Candidate& candidate : m_candidates) {
        if (candidate.probability > 0.0f) entropy -= candidate.probability * std::log(candidate.probability);
    }
    const auto distance = [entropy](const Candidate& candidate) {
        return candidate.probability > 0.0f ? std::abs(-std::log(candidate.probability) - entropy) : std::numeric_limits<double>::infinity();
    };
    std::ranges::sort(m_candidates, [&](const Candidate& a, const Candidate& b) {
        const double left = distance(a);
        const double right = distance(b);
        return left != right ? left < right : a.id < b.id;
    });
    double cumulative = 0.0;
    for (std::size_t i = 0; i < m_candidates.size(); ++i) {
        cumulative += m_candidates[i].probability;
        if (cumulative >= p) {
            m_candidates.resize(i + 1);
            break;
        }
    }
    m_sorted = false;
}

void Sampler::keepMinP(float p) {
    if (p <= 0.0f) return;
    float highest = -std::numeric_limits<float>::infinity();
    for (const Candidate& candidate : m_candidates) highest = std::max(highest, candidate.logit);
    // p_i >= p * p_max, in logits.
    const float threshold = highest + std::log(std::min(p, 1.0f));
    std::erase_if(m_candidates, [threshold](const Candidate& candidate) { return candidate.logit < threshold; });
}

void Sampler::applyXtc() {
    if (m_settings.xtcProbability <= 0.0f || m_settings.xtcThreshold > 0.5f) return;
    if (uniform() >= m_settings.xtcProbability) return;
    keepTopK(m_candidates.size());
    computeProbabilities();
    std::size_t above = 0;
    while (above < m_candidates.size() && m_candidates[above].probability >= m_settings.xtcThreshold) ++above;
    // The least likely of the likely ones stays, so there is always something to say.
    if (above >= 2) m_candidates.erase(m_candidates.begin(), m_candidates.begin() + static_cast<std::ptrdiff_t>(above - 1));
}

TokenId Sampler::draw(float temperature) {
    keepTopK(m_candidates.size());
    const float highest = m_candidates.front().logit;
    double sum = 0.0;
    for (Candidate& candidate : m_candidates) {
        candidate.probability = std::exp((candidate.logit - highest) / temperature);
        sum += candidate.probability;
    }
    const double target = uniform() * sum;
    double cumulative = 0.0;
    for (const Candidate& candidate : m_candidates) {
        cumulative += candidate.probability;
        if (target < cumulative) return candidate.id;
    }
    return m_candidates.back().id;
}

std::optional<TokenId> Sampler::sample(std::span<const float> logits) {
    m_logits.assign(logits.begin(), logits.end());
    applyPenalties();
    applyDry();
    // Below this the division overflows; the distribution is a single spike anyway.
    if (m_settings.temperature < 1e-4f) return argmax();

    m_candidates.clear();
    m_candidates.reserve(m_logits.size());
    for (std::size_t i = 0; i < m_logits.size(); ++i) {
        if (std::isfinite(m_logits[i])) m_candidates.push_back({static_cast<TokenId>(i), m_logits[i], 0.0f});
    }
    if (m_candidates.empty()) return std::nullopt;
    m_sorted = false;
    if (m_settings.topK > 0) keepTopK(static_cast<std::size_t>(m_settings.topK));
    keepTypical(m_settings.typicalP);
    keepTopP(m_settings.topP);
    keepMinP(m_settings.minP);
    applyXtc();
    return draw(m_settings.temperature);
}

} // namespace hearth::core
