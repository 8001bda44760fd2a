// SPDX-License-Identifier: Apache-2.0
//
// Sampler: from one row of logits to one token. The CPU reference that every other implementation must equal.
// Chain: repetition, frequency and presence penalties; DRY; then, unless temperature is 0 (argmax): top-k, typical,
// top-p, min-p, XTC, temperature, draw. The draw is a pure function of (seed, number of the draw), so that a reply can be
// repeated; what decides is computed in whole numbers (kernels/ops/sample_chain.h), so that a GPU chooses the same token.
// Sources: penalties Keskar 2019 arXiv:1909.05858; typical Meister 2022 arXiv:2202.00666; top-p Holtzman 2019
// arXiv:1904.09751; min-p Nguyen 2024 arXiv:2407.01082; DRY and XTC: the descriptions by their author (p-e-w, 2024).
// Thread: engine only.
#pragma once

#include "core/engine/generation.h"
#include "core/tokenizer/vocabulary.h"
#include "kernels/ops/sample_params.h"

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

    /// What the next sample() would use, for a back end that chooses where the logits are (kernels/ops/sample.h).
    struct DeviceRequest {
        kernels::SampleParams params;
        std::vector<kernels::TokenPenalty> penalties;
    };
    /// The settings have no link that only the chain here has: DRY, typical, XTC, a top-k that is off or beyond
    /// kSampleMostK. Stays the same for the sampler's life.
    [[nodiscard]] bool fitsDevice() const;
    [[nodiscard]] DeviceRequest deviceRequest() const; ///< fitsDevice() holds
    void countDeviceChoice();                          ///< the back end chose by deviceRequest()

private:
    struct Candidate {
        TokenId id = 0;
        float logit = 0.0f;
        std::uint64_t weight = 0; ///< share of the softmax, of what weigh() returned
    };

    [[nodiscard]] bool penalizes() const;
    [[nodiscard]] std::vector<kernels::TokenPenalty> penalties() const;
    void applyPenalties();
    void applyDry();
    void keepTopK(std::size_t k);
    void keepTopP();
    void keepTypical(float p);
    void keepMinP();
    void applyXtc();
    std::uint64_t weigh(float temperature); ///< softmax over the candidates' logits; returns the sum of the weights
    [[nodiscard]] TokenId draw();
    [[nodiscard]] std::optional<TokenId> argmax() const;
    [[nodiscard]] std::uint64_t drawNumber(std::uint64_t number) const; ///< uniform in [0, 2^53)

    SamplingSettings m_settings;
    kernels::SampleParams m_params; ///< of the settings; without a draw
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
