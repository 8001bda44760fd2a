// SPDX-License-Identifier: Apache-2.0
//
// Sampler: from one row of logits to one token. The CPU reference that every other implementation must equal.
// Chain: repetition, frequency and presence penalties; DRY; then, unless temperature is 0 (argmax): top-k, typical,
// top-p, min-p, XTC, temperature, draw. The draw is a pure function of (seed, number of the draw), so that a reply can be
// repeated and a GPU can compute the same one.
// Sources: penalties Keskar 2019 arXiv:1909.05858; typical Meister 2022 arXiv:2202.00666; top-p Holtzman 2019
// arXiv:1904.09751; min-p Nguyen 2024 arXiv:2407.01082; DRY and XTC: the descriptions by their author (p-e-w, 2024).
// Thread: engine only.
#pragma once

#include "core/engine/generation.h"
#include "core/tokenizer/vocabulary.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hearth::core {

class Sampler {
public:
    /// `seed`: the seed in use (settings.seed < 0 was replaced by the caller). `dryBreakers`: tokens that end a DRY match
    /// (line breaks, quotes, colons, asterisks).
    Sampler(const SamplingSettings& settings, std::uint64_t seed, std::vector<TokenId> dryBreakers = {});

    /// Tokens that penalties look back on: the prompt, then each token chosen.
    void accept(TokenId token);
    void accept(std::span<const TokenId> tokens);

    /// nullopt when no logit is finite (a damaged model). NaN counts as minus infinity. Ties go to the lower id.
    [[nodiscard]] std::optional<TokenId> sample(std::span<const float> logits);

private:
    struct Candidate {
        TokenId id = 0;
        float logit = 0.0f;
        float probability = 0.0f;
    };

    void applyPenalties();
    void applyDry();
    void keepTopK(std::size_t k);
    void keepTopP(float p);
    void keepTypical(float p);
    void keepMinP(float p);
    void applyXtc();
    void computeProbabilities(); ///< softmax over the candidates' logits
    [[nodiscard]] TokenId draw(float temperature);
    [[nodiscard]] std::optional<TokenId> argmax() const;
    [[nodiscard]] double uniform(); ///< [0, 1), the next draw

    SamplingSettings m_settings;
    std::uint64_t m_seed;
    std::uint64_t m_draws = 0;
    std::vector<TokenId> m_dryBreakers;
    std::vector<TokenId> m_history;
    std::vector<float> m_logits;          ///< a copy that penalties may change
    std::vector<Candidate> m_candidates;
    bool m_sorted = false;                ///< candidates stand best first
};

/// A seed from the system's entropy, never negative.
[[nodiscard]] std::int64_t freshSeed();

} // namespace hearth::core
