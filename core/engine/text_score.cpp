// SPDX-License-Identifier: Apache-2.0
#include "core/engine/text_score.h"

#include <algorithm>
#include <cmath>

namespace hearth::core {

namespace {

/// ln of the sum of exp over a row.
double logSum(std::span<const float> row) {
    const double largest = *std::ranges::max_element(row);
    double sum = 0.0;
    for (const float value : row) sum += std::exp(value - largest);
    return largest + std::log(sum);
}

std::size_t firstScored(std::size_t window) {
    return window / 2;
}

} // namespace

void Mean::add(double value) {
    m_largest = m_count == 0 ? value : std::max(m_largest, value);
    ++m_count;
    m_sum += value;
    m_squares += value * value;
}

double Mean::value() const {
    return m_count == 0 ? 0.0 : m_sum / static_cast<double>(m_count);
}

double Mean::error() const {
    if (m_count < 2) return 0.0;
    const double variance = m_squares / static_cast<double>(m_count) - value() * value();
    return variance > 0.0 ? std::sqrt(variance / static_cast<double>(m_count - 1)) : 0.0;
}

std::vector<std::vector<TokenId>> scoreWindows(std::span<const TokenId> ids, std::size_t window,
                                               std::optional<TokenId> bos) {
    std::vector<std::vector<TokenId>> windows;
    for (std::size_t start = 0; start + window <= ids.size(); start += window) {
        const auto part = ids.subspan(start, window);
        windows.emplace_back(part.begin(), part.end());
        if (bos) windows.back().front() = *bos;
    }
    return windows;
}

void scoreWindow(Mean& score, std::span<const float> logits, std::span<const TokenId> window) {
    const std::size_t vocabulary = logits.size() / window.size();
    for (std::size_t i = firstScored(window.size()); i + 1 < window.size(); ++i) {
        const auto row = logits.subspan(i * vocabulary, vocabulary);
        score.add(logSum(row) - row[static_cast<std::size_t>(window[i + 1])]);
    }
}

void compareWindow(KlScore& score, std::span<const float> base, std::span<const float> logits, std::size_t window) {
    const std::size_t vocabulary = logits.size() / window;
    for (std::size_t i = firstScored(window); i + 1 < window; ++i) {
        const auto p = base.subspan(i * vocabulary, vocabulary);
        const auto q = logits.subspan(i * vocabulary, vocabulary);
        const double pSum = logSum(p);
        const double qSum = logSum(q);
        double divergence = 0.0;
        for (std::size_t token = 0; token < vocabulary; ++token) {
            const double logP = p[token] - pSum;
            divergence += std::exp(logP) * (logP - (q[token] - qSum));
        }
        score.divergence.add(divergence);
        const auto best = [](std::span<const float> row) { return std::ranges::max_element(row) - row.begin(); };
        if (best(p) == best(q)) ++score.sameBest;
    }
}

} // namespace hearth::core
