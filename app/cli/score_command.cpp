// SPDX-License-Identifier: Apache-2.0
//
// hearth-cli perplexity and kl: how well a model predicts a text, and how far its predictions are from another model's.
#include "app/cli/commands.h"
#include "app/cli/engine_setup.h"
#include "core/engine/text_score.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace hearth::app::cli {

core::Result<std::string> readText(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) return core::fail(core::ErrorCode::FileNotFound, fmt::format("{}: cannot be read", path));
    return text;
}

namespace {

/// The text's windows, as this model's tokenizer makes them.
core::Result<std::vector<std::vector<core::TokenId>>> windowsOf(const ScoreArguments& arguments,
                                                                const core::Tokenizer& tokenizer) {
    const auto text = readText(arguments.text);
    if (!text) return std::unexpected(text.error());
    const auto ids = tokenizer.encode(*text, core::AddSpecial::AsModelSays, core::SpecialTokens::AsText);
    const core::Vocabulary& vocabulary = tokenizer.vocabulary();
    auto windows = core::scoreWindows(ids, static_cast<std::size_t>(arguments.window),
                                      vocabulary.addBos ? vocabulary.bos : std::nullopt);
    if (windows.empty()) {
        return core::fail(core::ErrorCode::InvalidArgument,
                          fmt::format("{}: {} tokens; a longer text or a smaller --window than {} is needed",
                                      arguments.text, ids.size(), arguments.window));
    }
    if (arguments.windows > 0 && windows.size() > static_cast<std::size_t>(arguments.windows))
        windows.resize(static_cast<std::size_t>(arguments.windows));
    return windows;
}

} // namespace

int perplexity(const ScoreArguments& arguments) {
    auto loaded = loadEngine(arguments, arguments.window);
    if (!loaded) return report(loaded.error());
    const auto windows = windowsOf(arguments, *loaded->engine->tokenizer());
    if (!windows) return report(windows.error());
    core::Mean score;
    for (std::size_t i = 0; i < windows->size(); ++i) {
        const auto logits = loaded->engine->logits((*windows)[i]);
        if (!logits) return report(logits.error());
        core::scoreWindow(score, *logits, (*windows)[i]);
        fmt::print(stderr, "[{}/{}] {:.4f}\n", i + 1, windows->size(), std::exp(score.value()));
    }
    const double value = std::exp(score.value());
    fmt::print("perplexity {:.4f} +/- {:.5f} over {} tokens in {} windows of {}\n", value, value * score.error(),
               score.count(), windows->size(), arguments.window);
    return 0;
}

int klDivergence(const ScoreArguments& arguments) {
    ModelArguments base = arguments;
    base.model = arguments.base;
    auto reference = loadEngine(base, arguments.window);
    if (!reference) return report(reference.error());
    auto loaded = loadEngine(arguments, arguments.window);
    if (!loaded) return report(loaded.error());
    if (reference->info.vocabularySize != loaded->info.vocabularySize) {
        return report({core::ErrorCode::InvalidArgument,
                       fmt::format("the vocabularies differ: {} and {} tokens; --base must be the same model",
                                   reference->info.vocabularySize, loaded->info.vocabularySize)});
    }
    const auto windows = windowsOf(arguments, *reference->engine->tokenizer());
    if (!windows) return report(windows.error());
    core::KlScore score;
    for (std::size_t i = 0; i < windows->size(); ++i) {
        const auto expected = reference->engine->logits((*windows)[i]);
        if (!expected) return report(expected.error());
        const auto logits = loaded->engine->logits((*windows)[i]);
        if (!logits) return report(logits.error());
        core::compareWindow(score, *expected, *logits, (*windows)[i].size());
        fmt::print(stderr, "[{}/{}] {:.6f}\n", i + 1, windows->size(), score.divergence.value());
    }
    fmt::print("KL divergence {:.6f} +/- {:.6f}, largest {:.6f}, same best token {:.3f} % of {} tokens\n",
               score.divergence.value(), score.divergence.error(), score.divergence.largest(),
               100.0 * static_cast<double>(score.sameBest) / static_cast<double>(score.divergence.count()),
               score.divergence.count());
    return 0;
}

} // namespace hearth::app::cli
