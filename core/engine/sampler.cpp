// SPDX-License-Identifier: Apache-2.0
#include "core/engine/sampler.h"

#include "kernels/ops/sample_chain.h"

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

bool divides(const SamplingSettings& settings) {
    return settings.repeatPenalty != 1.0f && settings.repeatPenalty > 0.0f;
}

kernels::SampleParams paramsOf(const SamplingSettings& settings) {
    kernels::SampleParams params;
    params.temperature = settings.temperature;
    params.topK = settings.topK;
    if (settings.topP < 1.0f) {
        params.topP = static_cast<std::uint64_t>(std::max(0.0, static_cast<double>(settings.topP)) * 0x1p32);
    }
    params.logMinP = settings.minP > 0.0f ? std::log(std::min(settings.minP, 1.0f)) : -std::numeric_limits<float>::infinity();
    if (divides(settings)) {
        params.divisorAbove = settings.repeatPenalty;
        params.divisorBelow = 1.0f / settings.repeatPenalty;
    }
    return params;
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
    , m_params(paramsOf(settings))
    , m_seed(seed)
    , m_dryBreakers(std::move(dryBreakers)) {}

void Sampler::accept(TokenId token) {
    m_history.push_back(token);
}

void Sampler::accept(std::span<const TokenId> tokens) {
    m_history.insert(m_history.end(), tokens.begin(), tokens.end());
}

std::uint64_t Sampler::drawNumber(std::uint64_t number) const {
    constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15u;
    return mix(mix(m_seed) + number * kGoldenRatio) >> 11;
}

bool Sampler::penalizes() const {
    return divides(m_settings) || m_settings.frequencyPenalty != 0.0f || m_settings.presencePenalty != 0.0f;
}

std::vector<kernels::TokenPenalty> Sampler::penalties() const {
    std::vector<kernels::TokenPenalty> penalties;
    if (!penalizes()) return penalties;
    const std::size_t window = m_settings.penaltyWindow < 0 ? m_history.size()
                                                            : std::min<std::size_t>(m_history.size(), static_cast<std::size_t>(m_settings.penaltyWindow));
    std::unordered_map<TokenId, int> counts;
    for (const TokenId token : std::span(m_history).last(window)) ++counts[token];
    penalties.reserve(counts.size());
    for (const auto& [token, count] : counts) {
        penalties.push_back({token, static_cast<float>(count) * m_settings.frequencyPenalty + m_settings.presencePenalty});
    }
    return penalties;
}

void Sampler::applyPenalties() {
    for (const auto& [token, penalty] : penalties()) {
        if (token < 0 || static_cast<std::size_t>(token) >= m_logits.size()) continue;
        float& logit = m_logits[static_cast<std::size_t>(token)];
        logit = kernels::penalizedLogit(logit, m_params.divisorAbove, m_params.divisorBelow, penalty);
    }
}

bool Sampler::fitsDevice() const {
    if (m_settings.dryMultiplier > 0.0f) return false;
    if (m_settings.temperature < kernels::kGreedyTemperature) return true;
    if (std::isnan(m_settings.temperature)) return false;
    const bool xtc = m_settings.xtcProbability > 0.0f && m_settings.xtcThreshold <= 0.5f;
    return m_settings.topK > 0 && m_settings.topK <= kernels::kSampleMostK && m_settings.typicalP >= 1.0f && !xtc;
}

Sampler::DeviceRequest Sampler::deviceRequest() const {
    DeviceRequest request{m_params, penalties()};
    request.params.penalties = static_cast<std::int32_t>(request.penalties.size());
    request.params.draw = drawNumber(m_draws + 1);
    return request;
}

void Sampler::countDeviceChoice() {
    if (m_settings.temperature >= kernels::kGreedyTemperature) ++m_draws;
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

std::uint64_t Sampler::weigh(float temperature) {
    float highest = -std::numeric_limits<float>::infinity();
    for (const Candidate& candidate : m_candidates) highest = std::max(highest, candidate.logit);
    std::uint64_t total = 0;
    for (Candidate& candidate : m_candidates) {
        candidate.weight = kernels::sampleWeight((candidate.logit - highest) / temperature);
        total += candidate.weight;
    }
    return total;
}

void Sampler::keepTopP() {
    if (m_params.topP >= kernels::kSampleWhole) return;
    const std::uint64_t share = kernels::sampleShare(weigh(1.0f), m_params.topP);
    // Selecting a growing head is cheaper than sorting 100,000 candidates: the head that holds p is nearly always short.
    const std::vector<Candidate> all = m_sorted ? std::vector<Candidate>{} : m_candidates;
    for (std::size_t head = 256;; head *= 8) {
        if (!m_sorted) keepTopK(head);
        std::uint64_t cumulative = 0;
        for (std::size_t i = 0; i < m_candidates.size(); ++i) {
            cumulative += m_candidates[i].weight;
            if (cumulative >= share) {
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
    const auto total = static_cast<double>(weigh(1.0f));
    const auto probability = [total](const Candidate& candidate) { return static_cast<double>(candidate.weight) / total; };
    double entropy = 0.0;
    for (const Candidate& candidate : m_candidates) {
        if (candidate.weight > 0) entropy -= probability(candidate) * std::log(probability(candidate));
    }
    struct Surprise {
        double distance; ///< of the token's surprise from the entropy
        Candidate candidate;
    };
    std::vector<Surprise> surprises;
    surprises.reserve(m_candidates.size());
    for (const Candidate& candidate : m_candidates) {
        surprises.push_back({candidate.weight > 0 ? std::abs(-std::log(probability(candidate)) - entropy) : std::numeric_limits<double>::infinity(),
                             candidate});
    }
    std::ranges::sort(surprises, [](const Surprise& a, const Surprise& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.candidate.id < b.candidate.id;
    });
    m_candidates.clear();
    double cumulative = 0.0;
    for (const Surprise& surprise : surprises) {
        m_candidates.push_back(surprise.candidate);
        cumulative += probability(surprise.candidate);
        if (cumulative >= static_cast<double>(p)) break;
    }
    m_sorted = false;
}

void Sampler::keepMinP() {
    if (m_settings.minP <= 0.0f) return;
    float highest = -std::numeric_limits<float>::infinity();
    for (const Candidate& candidate : m_candidates) highest = std::max(highest, candidate.logit);
    // p_i >= p * p_max, in logits.
    const float threshold = highest + m_params.logMinP;
    std::erase_if(m_candidates, [threshold](const Candidate& candidate) { return candidate.logit < threshold; });
}

void Sampler::applyXtc() {
    if (m_settings.xtcProbability <= 0.0f || m_settings.xtcThreshold > 0.5f) return;
    if (static_cast<double>(drawNumber(++m_draws)) * 0x1p-53 >= static_cast<double>(m_settings.xtcProbability)) return;
    keepTopK(m_candidates.size());
    const double likely = static_cast<double>(m_settings.xtcThreshold) * static_cast<double>(weigh(1.0f));
    std::size_t above = 0;
    while (above < m_candidates.size() && static_cast<double>(m_candidates[above].weight) >= likely) ++above;
    // The least likely of the likely ones stays, so there is always something to say.
    if (above >= 2) m_candidates.erase(m_candidates.begin(), m_candidates.begin() + static_cast<std::ptrdiff_t>(above - 1));
}

TokenId Sampler::draw() {
    keepTopK(m_candidates.size());
    const std::uint64_t target = kernels::sampleTarget(weigh(m_settings.temperature), drawNumber(++m_draws));
    std::uint64_t cumulative = 0;
    for (const Candidate& candidate : m_candidates) {
        cumulative += candidate.weight;
        if (target < cumulative) return candidate.id;
    }
    return m_candidates.back().id;
}

std::optional<TokenId> Sampler::sample(std::span<const float> logits) {
    m_logits.assign(logits.begin(), logits.end());
    applyPenalties();
    applyDry();
    if (m_settings.temperature < kernels::kGreedyTemperature) return argmax();

    m_candidates.clear();
    m_candidates.reserve(m_logits.size());
    for (std::size_t i = 0; i < m_logits.size(); ++i) {
        if (std::isfinite(m_logits[i])) m_candidates.push_back({static_cast<TokenId>(i), m_logits[i], 0});
    }
    if (m_candidates.empty()) return std::nullopt;
    m_sorted = false;
    if (m_settings.topK > 0) keepTopK(static_cast<std::size_t>(m_settings.topK));
    keepTypical(m_settings.typicalP);
    keepTopP();
    keepMinP();
    applyXtc();
    return draw();
}

} // namespace hearth::core
