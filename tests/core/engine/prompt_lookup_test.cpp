// SPDX-License-Identifier: Apache-2.0
//
// Guesses of a reply's next tokens: what PromptLookup guesses, and that an engine which guesses says what one that does not says, ends
// where that ends and leaves a cache that the next request can go on with.
#include "core/engine/prompt_lookup.h"
#include "tests/core/engine/engine_test_support.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <numeric>

using namespace hearth;
using namespace hearth::test;
using core::FinishReason;
using core::PromptLookup;
using core::TokenId;

namespace {

std::vector<TokenId> guessOf(PromptLookup& lookup, std::size_t room = 100) {
    const auto guess = lookup.guess(room);
    return {guess.begin(), guess.end()};
}

using Ids = std::vector<TokenId>;

} // namespace

class PromptLookupTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;

    /// The same request to an engine that guesses and to one that does not; both were loaded for it.
    struct Pair {
        core::Engine guessing{{.guesses = 3}};
        core::Engine plain{{.guesses = 0}};

        bool open(const std::filesystem::path& path, std::int32_t context = 0) { return load(guessing, path, context) && load(plain, path, context); }
    };

private slots:
    void guess_isWhatFollowedBefore() {
        PromptLookup lookup(4);
        QVERIFY(guessOf(lookup).empty());
        lookup.append(Ids{1, 2, 3, 4, 5, 6, 7, 8});
        QVERIFY(guessOf(lookup).empty()); // 6 7 8 stood nowhere before
        lookup.append(Ids{1, 2});
        QVERIFY(guessOf(lookup).empty()); // two tokens are found by chance
        lookup.append(Ids{3});
        QCOMPARE(guessOf(lookup), (Ids{4, 5, 6, 7}));
        QCOMPARE(guessOf(lookup, 2), (Ids{4, 5}));
        QVERIFY(guessOf(lookup, 0).empty());
        lookup.append(Ids{9, 1, 2, 3}); // the last time counts
        QCOMPARE(guessOf(lookup), (Ids{9, 1, 2, 3}));
        PromptLookup never(0);
        never.append(Ids{1, 2, 3, 1, 2, 3, 1, 2, 3});
        QVERIFY(guessOf(never).empty());
    }

    void guess_goesOnToTheEndOfARepetition() {
        PromptLookup lookup(8);
        lookup.append(Ids{5, 5, 5, 5}); // the second place that 5 5 5 stands at is the end: what followed the first is all there is
        QCOMPARE(guessOf(lookup), (Ids{5}));
    }

    void wrongGuesses_makeLongerAndLongerPauses() {
        PromptLookup lookup(2);
        Ids period(50);
        std::iota(period.begin(), period.end(), 0);
        lookup.append(period);
        lookup.append(period);
        const auto tokensUntilAGuess = [&] {
            int count = 0;
            for (TokenId next = 0; guessOf(lookup).empty(); ++count, next = (next + 1) % 50) lookup.append(Ids{next});
            return count;
        };
        // A pause counts tokens; the text has to be found again after it, and always is in a text that repeats itself.
        QCOMPARE(tokensUntilAGuess(), 0);
        int before = 0;
        for (int wrong = 0; wrong < 5; ++wrong) {
            lookup.judge(2, 0);
            const int pause = tokensUntilAGuess();
            QVERIFY2(pause > before, qPrintable(QString("%1 after %2").arg(pause).arg(before)));
            before = pause;
        }
        QVERIFY(before >= 16);
        lookup.judge(2, 1);
        lookup.judge(2, 0);
        QVERIFY(tokensUntilAGuess() <= 3); // one right guess makes up for all
    }

    void replies_areTheSame_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("dtype");
        const auto f16 = static_cast<int>(kernels::DType::F16);
        const auto q8 = static_cast<int>(kernels::DType::Q8_0);
        QTest::newRow("llama") << "llama" << f16;
        QTest::newRow("llama Q8_0") << "llama" << q8;
        QTest::newRow("qwen2") << "qwen2" << f16;
        QTest::newRow("qwen3") << "qwen3" << f16;
        QTest::newRow("qwen3moe") << "qwen3moe" << f16;
    }
    void replies_areTheSame() {
        QFETCH(QString, architecture);
        QFETCH(int, dtype);
        const auto path = writeTinyModel(m_folder.path().toStdString(), {.name = "same", .contextLength = 1024, .architecture = architecture.toStdString(),
                                                                         .dtype = static_cast<kernels::DType>(dtype)});
        Pair pair;
        QVERIFY(pair.open(path));
        std::vector<core::ChatMessage> talk;
        int right = 0;
        int wrong = 0;
        for (const char* said : {"the fire was warm and the stone was cold the fire was warm and the stone was cold the fire was", "say it again", "and again"}) {
            talk.push_back(fromUser(said));
            for (int seed = 0; seed < 6; ++seed) {
                auto wanted = request(talk, 60);
                wanted.sampling.seed = seed;
                // Seed 0 is greedy; sampled, every token is drawn by the same numbers from the same probabilities.
                if (seed > 0) wanted.sampling = {.temperature = 0.5f, .topK = 0, .topP = 1.0f, .minP = 0.0f, .repeatPenalty = 1.0f, .seed = seed};
                const Reply guessed = ask(pair.guessing, wanted);
                const Reply plain = ask(pair.plain, wanted);
                QVERIFY(guessed.ok() && plain.ok());
                QCOMPARE(guessed.text, plain.text);
                QCOMPARE(guessed.reason(), plain.reason());
                QCOMPARE(guessed.stats().generatedTokens, plain.stats().generatedTokens);
                QCOMPARE(guessed.stats().contextUsed, plain.stats().contextUsed);
                QCOMPARE(guessed.stats().cachedTokens, plain.stats().cachedTokens);
                QCOMPARE(plain.stats().guessedTokens, 0);
                right += guessed.stats().rightGuesses;
                wrong += guessed.stats().guessedTokens - guessed.stats().rightGuesses;
                if (seed == 0) talk.push_back(fromAssistant(plain.text));
            }
        }
        QVERIFY2(right > 0, qPrintable(QString::number(right)));
        QVERIFY2(wrong > 0, qPrintable(QString::number(wrong)));
    }

    void ends_areTheSame() {
        const auto path = writeTinyModel(m_folder.path().toStdString(), {.name = "ends", .contextLength = 256});
        Pair pair;
        QVERIFY(pair.open(path));
        const auto compare = [&](const core::GenerationRequest& wanted, FinishReason reason) {
            const Reply guessed = ask(pair.guessing, wanted);
            const Reply plain = ask(pair.plain, wanted);
            QCOMPARE(guessed.reason(), code(reason));
            QCOMPARE(plain.reason(), code(reason));
            QCOMPARE(guessed.text, plain.text);
            QCOMPARE(guessed.stats().contextUsed, plain.stats().contextUsed);
        };
        auto wanted = request({fromUser("the water the water the water the water the water")}, 0);
        compare(wanted, FinishReason::ContextFull); // guesses do not reach beyond the context
        const std::string whole = ask(pair.plain, wanted).text;
        QVERIFY(whole.size() > 40);
        for (const int limit : {1, 2, 3, 17}) { // in the middle of guesses
            wanted.maxTokens = limit;
            compare(wanted, FinishReason::TokenLimit);
        }
        wanted.maxTokens = 0;
        wanted.stops = {whole.substr(30, 6)};
        compare(wanted, FinishReason::StopString);
    }

    void stopped_goesOnAsIfNothingHadBeen() {
        const auto path = writeTinyModel(m_folder.path().toStdString(), {.name = "stopped", .contextLength = 1024});
        Pair pair;
        QVERIFY(pair.open(path));
        const auto wanted = request({fromUser("the water the water the water the water the water")}, 100);
        std::stop_source stop;
        int pieces = 0;
        const Reply cut = ask(pair.guessing, wanted, stop.get_token(), {.promptProgress = {}, .text = [&](std::string_view) {
                                  if (++pieces == 9) stop.request_stop();
                              }});
        QCOMPARE(cut.reason(), code(FinishReason::Cancelled));
        const Reply whole = ask(pair.plain, wanted);
        QVERIFY(QString::fromStdString(whole.text).startsWith(QString::fromStdString(cut.text)));
        QCOMPARE(ask(pair.guessing, wanted).text, whole.text);
        // The benchmarks' steps feed tokens by themselves.
        QVERIFY(pair.guessing.prefill(Ids{1, 2, 3, 1, 2, 3, 1, 2, 3}));
        QVERIFY(pair.plain.prefill(Ids{1, 2, 3, 1, 2, 3, 1, 2, 3}));
        const auto guessed = pair.guessing.decodeStep(1);
        const auto plain = pair.plain.decodeStep(1);
        QVERIFY(guessed && plain);
        QVERIFY(std::ranges::equal(*guessed, *plain));
    }
};

QTEST_GUILESS_MAIN(PromptLookupTest)
#include "prompt_lookup_test.moc"
