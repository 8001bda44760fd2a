// SPDX-License-Identifier: Apache-2.0
//
// Perplexity and KL divergence: by hand on small numbers, and against llama.cpp's on a generated model.
#include "core/engine/engine.h"
#include "core/engine/text_score.h"
#include "tests/core/model/arch_models.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>

using namespace hearth;
using core::KlScore;
using core::Mean;
using core::TokenId;

class TextScoreTest : public QObject {
    Q_OBJECT

private slots:
    void mean_andItsError() {
        Mean mean;
        QCOMPARE(mean.value(), 0.0);
        for (const double value : {1.0, 2.0, 3.0, 6.0}) mean.add(value);
        QCOMPARE(mean.count(), std::size_t{4});
        QCOMPARE(mean.value(), 3.0);
        QCOMPARE(mean.largest(), 6.0);
        QCOMPARE(mean.error(), std::sqrt((50.0 / 4.0 - 9.0) / 3.0));
    }

    void windows_areWhole_andBeginWithBos() {
        const std::vector<TokenId> ids{9, 1, 2, 3, 4, 5, 6, 7};
        const auto plain = core::scoreWindows(ids, 3, std::nullopt);
        QCOMPARE(plain.size(), std::size_t{2}); // two tokens are left over
        QCOMPARE(plain[1], (std::vector<TokenId>{3, 4, 5}));
        const auto withBos = core::scoreWindows(ids, 4, TokenId{8});
        QCOMPARE(withBos[0], (std::vector<TokenId>{8, 1, 2, 3}));
        QCOMPARE(withBos[1], (std::vector<TokenId>{8, 5, 6, 7}));
        QVERIFY(core::scoreWindows(ids, 9, std::nullopt).empty());
    }

    void secondHalf_isScored() {
        // Four positions of three tokens; the third alone has a next token and lies in the second half.
        const std::vector<float> logits{50, 0, 0, 50, 0, 0, 1, 2, 3, 0, 50, 0};
        const std::vector<TokenId> window{0, 1, 2, 1};
        Mean score;
        core::scoreWindow(score, logits, window);
        QCOMPARE(score.count(), std::size_t{1});
        const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
        QVERIFY(std::fabs(score.value() - (std::log(sum) - 2.0)) < 1e-12);

        const std::vector<float> other{0, 0, 0, 0, 0, 0, 3, 2, 1, 0, 0, 0};
        KlScore kl;
        core::compareWindow(kl, logits, other, window.size());
        QCOMPARE(kl.divergence.count(), std::size_t{1});
        QCOMPARE(kl.sameBest, std::size_t{0});
        // p and q are mirrored: the divergence is sum p (log p - log q) = 2 (e^3 - e) / sum
        QVERIFY(std::fabs(kl.divergence.value() - 2.0 * (std::exp(3.0) - std::exp(1.0)) / sum) < 1e-6);
        core::compareWindow(kl, logits, logits, window.size());
        QCOMPARE(kl.sameBest, std::size_t{1});
    }

    void perplexity_isLlamaCppsOnAGeneratedModel() {
        const auto models = test::archModels();
        const auto model = std::ranges::find(models, "llama-ntk", &test::ArchModel::name);
        QVERIFY(model != models.end());
        const QTemporaryDir folder;
        core::Engine engine;
        const auto path = test::writeArchModel(folder.path().toStdString(), *model);
        const auto info = engine.load({.path = path.string(), .contextLength = 64, .threads = 2}, {}, {});
        QVERIFY2(info, info ? "" : info.error().message.c_str());
        std::string text;
        for (int i = 0; i < 12; ++i) text += "The water was warm, and she could see the stone by the fire of the house in winter. ";
        const core::Tokenizer& tokenizer = *engine.tokenizer();
        const auto ids = tokenizer.encode(text, core::AddSpecial::AsModelSays, core::SpecialTokens::AsText);
        const auto windows = core::scoreWindows(ids, 64, tokenizer.vocabulary().bos);
        Mean score;
        for (const auto& window : windows) {
            const auto logits = engine.logits(window);
            QVERIFY(logits);
            core::scoreWindow(score, *logits, window);
        }
        QCOMPARE(ids.size(), kTokens);
        QCOMPARE(score.count(), windows.size() * 31);
        const double perplexity = std::exp(score.value());
        QVERIFY2(std::fabs(perplexity / kPerplexity - 1.0) < 5e-4, qPrintable(QString::number(perplexity, 'f', 4)));
    }

private:
    // llama.cpp of September 2026 (the prebuilt CPU library of node-llama-cpp 3.22.1), float32 cache, windows of 64.
    static constexpr std::size_t kTokens = 290;
    static constexpr double kPerplexity = 79045.106;
};

QTEST_GUILESS_MAIN(TextScoreTest)
#include "text_score_test.moc"
