// SPDX-License-Identifier: Apache-2.0
//
// Tokenizers by themselves: vocabularies that are wrong, special tokens, bytes that are not text, streamed text.
#include "core/base/utf8.h"
#include "core/gguf/gguf_file.h"
#include "core/tokenizer/character_map.h"
#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/text_stream_decoder.h"
#include "core/tokenizer/tokenizer.h"

#include <QtTest>

#include <random>

using namespace hearth::core;

namespace {

using Ids = std::vector<TokenId>;
using Strings = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

std::unique_ptr<Tokenizer> ours(const char* name) {
    auto file = GgufFile::open(std::string(HEARTH_TEST_DATA "/tokenizers/") + name + ".vocab.gguf");
    if (!file) qFatal("%s", file.error().message.c_str());
    auto vocabulary = readVocabulary(file->metadata());
    if (!vocabulary) qFatal("%s", vocabulary.error().message.c_str());
    auto tokenizer = Tokenizer::create(std::move(*vocabulary));
    if (!tokenizer) qFatal("%s", tokenizer.error().message.c_str());
    return std::move(*tokenizer);
}

/// Any bytes, with runs that look like text, controls, white space and broken UTF-8.
std::string randomBytes(std::mt19937& random) {
    static constexpr std::string_view kParts[] = {
        "the old mill", " ",        "\n\n",         "\t",       "1234567",          "<|im_end|>",
        "</s>",         "it's",     "\xE4\xBD\xA0", "\xE4\xBD", "\xF0\x9F\x98\x80", "\xF0\x9F",
        "\xFF",         "\xC0\x80", "\xED\xA0\x80", "!?..",     "\xCC\x81"};
    std::string text;
    for (unsigned parts = random() % 12; parts > 0; --parts) {
        if (random() % 3 == 0) {
            text += static_cast<char>(random() & 0xFF);
        } else {
            text += kParts[random() % std::size(kParts)];
        }
    }
    return text;
}

/// The smallest byte-level vocabulary: 256 bytes, a few merges, and what a test adds.
Vocabulary smallBpe(std::string_view pre = "gpt-2") {
    Vocabulary vocabulary;
    vocabulary.model = "gpt2";
    vocabulary.pre = pre;
    unsigned beyond = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
        std::string token;
        utf8::append(token, printable ? byte : beyond++);
        vocabulary.tokens.push_back(token);
    }
    vocabulary.types.assign(vocabulary.tokens.size(), TokenType::Normal);
    return vocabulary;
}

TokenId add(Vocabulary& vocabulary, std::string token, TokenType type = TokenType::Normal) {
    vocabulary.tokens.push_back(std::move(token));
    vocabulary.types.push_back(type);
    return static_cast<TokenId>(vocabulary.tokens.size() - 1);
}

std::unique_ptr<Tokenizer> made(Vocabulary vocabulary) {
    auto tokenizer = Tokenizer::create(std::move(vocabulary));
    if (!tokenizer) qFatal("%s", tokenizer.error().message.c_str());
    return std::move(*tokenizer);
}

Ids asText(const Tokenizer& tokenizer, std::string_view text) {
    return tokenizer.encode(text, AddSpecial::No, SpecialTokens::AsText);
}
Ids parsed(const Tokenizer& tokenizer, std::string_view text) {
    return tokenizer.encode(text, AddSpecial::No, SpecialTokens::Parse);
}

/// Keys of a correct byte-level vocabulary of three tokens.
std::map<std::string, GgufValue> goodKeys() {
    return {
        {"tokenizer.ggml.model", GgufScalar(std::string("gpt2"))},
        {"tokenizer.ggml.tokens", GgufArray(Strings{"a", "b", "ab"})},
        {"tokenizer.ggml.merges", GgufArray(Strings{"a b"})},
        {"tokenizer.ggml.token_type", GgufArray(Integers{1, 1, 1})},
        {"tokenizer.ggml.eos_token_id", GgufScalar(std::int64_t{2})},
    };
}

Result<std::unique_ptr<Tokenizer>> tokenizerOf(const std::map<std::string, GgufValue>& keys) {
    GgufMetadata metadata;
    for (const auto& [key, value] : keys) {
        if (!metadata.insert(key, value)) qFatal("twice: %s", key.c_str());
    }
    auto vocabulary = readVocabulary(metadata);
    if (!vocabulary) return std::unexpected(vocabulary.error());
    return Tokenizer::create(std::move(*vocabulary));
}

} // namespace

class TokenizerTest : public QObject {
    Q_OBJECT

private slots:
    void CharacterMap_wrongTablesAreRefusedOrFindNothing() {
        const auto read = [](std::string_view bytes) { return CharacterMap::read(bytes); };
        const std::string_view unit("\x04\0\0\0", 4);
        QVERIFY(!read("").has_value());
        QVERIFY(!read("\x04").has_value());                                                 // no whole length
        QVERIFY(!read(std::string(unit) + "ab").has_value());                              // a trie longer than the bytes
        QVERIFY(!read(std::string_view("\0\0\0\0a\0", 6)).has_value());                    // no trie
        QVERIFY(!read(std::string_view("\x03\0\0\0abc\0", 8)).has_value());                // no whole units
        QVERIFY(!read(std::string(unit) + "abcd").has_value());                            // no replacements
        QVERIFY(!read(std::string(unit) + "abcdx").has_value());                           // one without an end
        // Any bytes at all: it may find nonsense, but only inside its replacements and the text.
        std::mt19937 random(11);
        for (int round = 0; round < 2000; ++round) {
            const std::uint32_t units = 1 + random() % 300;
            std::string bytes(4 + units * 4, '\0');
            for (char& byte : bytes) byte = static_cast<char>(random() & 0xFF);
            const std::uint32_t size = units * 4;
            std::memcpy(bytes.data(), &size, 4);
            const auto map = read(bytes + "one" + '\0' + "two" + '\0');
            QVERIFY(map.has_value());
            const std::string text = randomBytes(random) + "abc";
            if (const auto match = map->longestPrefix(text)) {
                QVERIFY(match->length <= text.size());
                QVERIFY(match->replacement.size() <= 3);
            }
        }
    }

    void Unigram_anyBytesAreAccepted() {
        const auto tokenizer = ours("toy-unigram");
        std::mt19937 random(12);
        for (int round = 0; round < 500; ++round) {
            const std::string text = randomBytes(random);
            for (const TokenId id : parsed(*tokenizer, text)) QVERIFY(id >= 0 && static_cast<std::size_t>(id) < tokenizer->size());
        }
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "the old  mill")), std::string("the old mill"));
        auto vocabulary = tokenizer->vocabulary();
        vocabulary.scores.clear();
        QVERIFY(!Tokenizer::create(vocabulary).has_value());
        vocabulary = tokenizer->vocabulary();
        vocabulary.unknown.reset();
        QVERIFY(!Tokenizer::create(vocabulary).has_value());
        vocabulary = tokenizer->vocabulary();
        vocabulary.characterMap = "xyz";
        QVERIFY(!Tokenizer::create(vocabulary).has_value());
    }

    void WordPiece_anyBytesAreAccepted() {
        const auto tokenizer = ours("toy-wordpiece");
        std::mt19937 random(13);
        for (int round = 0; round < 500; ++round) {
            const std::string text = randomBytes(random);
            for (const TokenId id : parsed(*tokenizer, text)) QVERIFY(id >= 0 && static_cast<std::size_t>(id) < tokenizer->size());
        }
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "The WHEEL, frozen\xCC\x81")), std::string("the wheel , frozen"));
        // A syllable of Hangul stays whole, in all its letters.
        QVERIFY(asText(*tokenizer, "\xEC\x82\xAC\xEB\x9E\x8C") != Ids{*tokenizer->vocabulary().unknown});
    }

    void Vocabulary_wrongKeysAreRefusedByName_data() {
        QTest::addColumn<QString>("key");
        QTest::addColumn<int>("change");
        QTest::addColumn<QString>("error");
        QTest::newRow("model missing") << "tokenizer.ggml.model" << 0 << "MissingKey";
        QTest::newRow("model unknown") << "tokenizer.ggml.model" << 1 << "UnsupportedTokenizer";
        QTest::newRow("tokens missing") << "tokenizer.ggml.tokens" << 0 << "MissingKey";
        QTest::newRow("tokens empty") << "tokenizer.ggml.tokens" << 2 << "MalformedFile";
        QTest::newRow("tokens are numbers") << "tokenizer.ggml.tokens" << 3 << "MissingKey";
        QTest::newRow("merges missing") << "tokenizer.ggml.merges" << 0 << "MissingKey";
        QTest::newRow("merge of one token") << "tokenizer.ggml.merges" << 4 << "MalformedFile";
        QTest::newRow("merge without its right") << "tokenizer.ggml.merges" << 5 << "MalformedFile";
        QTest::newRow("merge outside the alphabet") << "tokenizer.ggml.merges" << 6 << "MalformedFile";
        QTest::newRow("fewer types than tokens") << "tokenizer.ggml.token_type" << 3 << "MalformedFile";
        QTest::newRow("types are strings") << "tokenizer.ggml.token_type" << 4 << "MalformedFile";
        QTest::newRow("fewer scores than tokens") << "tokenizer.ggml.scores" << 3 << "MalformedFile";
        QTest::newRow("score is not a number") << "tokenizer.ggml.scores" << 7 << "MalformedFile";
        QTest::newRow("eos one too large") << "tokenizer.ggml.eos_token_id" << 8 << "MalformedFile";
        QTest::newRow("eos negative") << "tokenizer.ggml.eos_token_id" << 9 << "MalformedFile";
    }
    void Vocabulary_wrongKeysAreRefusedByName() {
        QFETCH(QString, key);
        QFETCH(int, change);
        QFETCH(QString, error);
        const GgufValue changes[] = {
            {},
            GgufScalar(std::string("rwkv")),
            GgufArray(Strings{}),
            GgufArray(Integers{1}),
            GgufArray(Strings{"ab"}),
            GgufArray(Strings{"a "}),
            GgufArray(Strings{"a \xE2\x82\xAC"}),
            GgufArray(std::vector<float>{0.0F, std::nanf(""), 0.0F}),
            GgufScalar(std::int64_t{3}),
            GgufScalar(std::int64_t{-1}),
        };
        QVERIFY(tokenizerOf(goodKeys()).has_value());
        auto keys = goodKeys();
        keys.erase(key.toStdString());
        if (change != 0) keys[key.toStdString()] = changes[change];
        const auto tokenizer = tokenizerOf(keys);
        QVERIFY(!tokenizer.has_value());
        QCOMPARE(QString::fromStdString(std::string(name(tokenizer.error().code))), error);
        QVERIFY2(tokenizer.error().message.find(key.toStdString()) != std::string::npos,
                 tokenizer.error().message.c_str());
    }

    void Vocabulary_paddingOutOfRangeIsDropped() {
        auto keys = goodKeys();
        keys["tokenizer.ggml.padding_token_id"] = GgufScalar(std::int64_t{99});
        const auto tokenizer = tokenizerOf(keys);
        QVERIFY(tokenizer.has_value());
        QVERIFY(!(*tokenizer)->vocabulary().padding.has_value());
    }

    void Vocabulary_controlSpellingsAreControlWhateverTheFileSays() {
        auto keys = goodKeys();
        keys["tokenizer.ggml.tokens"] = GgufArray(Strings{"a", "b", "ab", "<|im_end|>", "</p>"});
        keys["tokenizer.ggml.token_type"] = GgufArray(Integers{1, 1, 1, 4, 4});
        const auto tokenizer = tokenizerOf(keys);
        QVERIFY(tokenizer.has_value());
        QCOMPARE((*tokenizer)->vocabulary().types[3], TokenType::Control);
        QCOMPARE((*tokenizer)->vocabulary().types[4], TokenType::UserDefined);
        QCOMPARE((*tokenizer)->tokenBytes(3), std::string_view());
        QCOMPARE((*tokenizer)->tokenBytes(4), std::string_view("</p>"));
        QVERIFY((*tokenizer)->endsGeneration(3));
        QVERIFY(!(*tokenizer)->endsGeneration(4));
        QVERIFY((*tokenizer)->endsGeneration(2)); // EOS by its key
        QVERIFY(!(*tokenizer)->endsGeneration(0));
        QVERIFY(!(*tokenizer)->endsGeneration(-1));
        QVERIFY(!(*tokenizer)->endsGeneration(5));
    }

    void Bpe_unknownPreIsUsedWithANotice() {
        QVERIFY(made(smallBpe("gpt-2"))->notice().empty());
        const auto tokenizer = made(smallBpe("of-next-year"));
        QVERIFY(tokenizer->notice().find("of-next-year") != std::string_view::npos);
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "Still works, 100%.")), std::string("Still works, 100%."));
        QVERIFY(!made(smallBpe(""))->notice().empty());
    }

    void Bpe_bestMergeGoesFirstThenTheLeftmost() {
        Vocabulary vocabulary = smallBpe();
        const TokenId bc = add(vocabulary, "bc");
        const TokenId ab = add(vocabulary, "ab");
        const TokenId aa = add(vocabulary, "aa");
        vocabulary.merges = {"b c", "a b", "a a", "ab c"}; // the last makes no token: it must not eat its parts
        const auto tokenizer = made(vocabulary);
        QCOMPARE(asText(*tokenizer, "abc"), (Ids{'a', bc}));
        QCOMPARE(asText(*tokenizer, "abab"), (Ids{ab, ab}));
        QCOMPARE(asText(*tokenizer, "aaaaa"), (Ids{aa, aa, 'a'}));
    }

    void Bpe_mergesToNoTokenGiveTheBytes() {
        Vocabulary vocabulary = smallBpe();
        vocabulary.merges = {"x y", "xy z"};
        const auto tokenizer = made(vocabulary);
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "wxyzw")), std::string("wxyzw"));
        QCOMPARE(asText(*tokenizer, "xyz").size(), std::size_t{3});
    }

    void Bpe_mergesNeverSpellAControlToken() {
        Vocabulary vocabulary = smallBpe("llama-bpe"); // which takes whole words
        const TokenId control = add(vocabulary, "hi", TokenType::Control);
        vocabulary.merges = {"h i"};
        const auto tokenizer = made(vocabulary);
        QVERIFY(asText(*tokenizer, "hi") != Ids{control});
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "hi")), std::string("hi"));
        QCOMPARE(parsed(*tokenizer, "hi"), Ids{control});
    }

    void Bpe_bytesWithoutATokenBecomeSomething() {
        Vocabulary vocabulary = smallBpe();
        vocabulary.types[static_cast<std::size_t>(
            std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), "\xC3\xBF") - vocabulary.tokens.begin())] =
            TokenType::Control; // byte 0xFF
        auto tokenizer = made(vocabulary);
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "a\xFF"
                                                      "b")),
                 std::string("a\xEF\xBF\xBD"
                             "b"));
        vocabulary.unknown = add(vocabulary, "<unk>", TokenType::Unknown);
        tokenizer = made(vocabulary);
        QCOMPARE(asText(*tokenizer, "\xFF"), Ids{*vocabulary.unknown});
    }

    void Tokenizer_longestSpecialTokenWins() {
        Vocabulary vocabulary = smallBpe();
        const TokenId shorter = add(vocabulary, "<a>", TokenType::UserDefined);
        const TokenId longer = add(vocabulary, "<a><b>", TokenType::UserDefined);
        const TokenId overlapping = add(vocabulary, "<b><c>", TokenType::Control);
        const auto tokenizer = made(vocabulary);
        QCOMPARE(asText(*tokenizer, "<a><b>"), Ids{longer});
        QCOMPARE(asText(*tokenizer, "<a><a><b><a>"), (Ids{shorter, longer, shorter}));
        QCOMPARE(parsed(*tokenizer, "<b><c><a>"), (Ids{overlapping, shorter}));
        QVERIFY(asText(*tokenizer, "<b><c>") != Ids{overlapping});
        QCOMPARE(tokenizer->decode(asText(*tokenizer, "<b><c><a")), std::string("<b><c><a"));
    }

    void Tokenizer_controlTokensInTextStayText_data() { vocabularies(); }
    void Tokenizer_controlTokensInTextStayText() {
        QFETCH(QString, vocabulary);
        const auto tokenizer = ours(qPrintable(vocabulary));
        const Vocabulary& v = tokenizer->vocabulary();
        int controls = 0;
        for (std::size_t i = 0; i < v.tokens.size(); ++i) {
            if (v.types[i] != TokenType::Control) continue;
            ++controls;
            const auto control = static_cast<TokenId>(i);
            const std::string text = "say " + v.tokens[i] + " now";
            QVERIFY(std::ranges::count(asText(*tokenizer, text), control) == 0);
            QVERIFY(std::ranges::count(parsed(*tokenizer, text), control) == 1);
            QCOMPARE(tokenizer->tokenBytes(control), std::string_view());

            // What chat prompts do to a user's words: broken inside, it is text even where templates are parsed.
            std::string broken = text;
            broken.insert(5, kControlBreaker);
            QCOMPARE(parsed(*tokenizer, broken), asText(*tokenizer, text));
        }
        QVERIFY(controls >= 2);
    }

    void Tokenizer_addsBosAndEosAsTheFileSays() {
        Vocabulary vocabulary = smallBpe();
        vocabulary.bos = add(vocabulary, "<bos>", TokenType::Control);
        vocabulary.eos = add(vocabulary, "<eos>", TokenType::Control);
        QCOMPARE(made(vocabulary)->encode("", AddSpecial::AsModelSays, SpecialTokens::AsText), Ids{});
        vocabulary.addBos = vocabulary.addEos = true;
        QCOMPARE(made(vocabulary)->encode("", AddSpecial::AsModelSays, SpecialTokens::AsText),
                 (Ids{*vocabulary.bos, *vocabulary.eos}));
        QCOMPARE(made(vocabulary)->encode("", AddSpecial::No, SpecialTokens::AsText), Ids{});
        vocabulary.bos.reset();
        QCOMPARE(made(vocabulary)->encode("", AddSpecial::AsModelSays, SpecialTokens::AsText), Ids{*vocabulary.eos});
    }

    void Tokenizer_endIsNoEndWhereItOnlySeparates() {
        Vocabulary vocabulary = smallBpe();
        const TokenId end = add(vocabulary, "<|end|>", TokenType::Control);
        QVERIFY(made(vocabulary)->endsGeneration(end));
        add(vocabulary, "<|return|>", TokenType::Control);
        add(vocabulary, "<|call|>", TokenType::Control);
        QVERIFY(!made(vocabulary)->endsGeneration(end));
        QVERIFY(made(vocabulary)->endsGeneration(end + 1));
    }

    void Tokenizer_anyBytesComeBack_data() { vocabularies(); }
    void Tokenizer_anyBytesComeBack() {
        QFETCH(QString, vocabulary);
        const auto tokenizer = ours(qPrintable(vocabulary));
        std::mt19937 random(7);
        for (int i = 0; i < 3000; ++i) {
            const std::string text = randomBytes(random);
            // SentencePiece cannot tell U+2581 from a space; nothing else is lost.
            QCOMPARE(QByteArray::fromStdString(tokenizer->decode(asText(*tokenizer, text))).toHex(),
                     QByteArray::fromStdString(text).toHex());
        }
    }

    void Tokenizer_longTextsComeBack_data() {
        QTest::addColumn<QString>("vocabulary");
        QTest::addColumn<QByteArray>("unit");
        for (const char* vocabulary : {"toy-bpe-llama3", "toy-spm"}) {
            for (const char* unit :
                 {"a", " ", "\n", "\t ", "!", "7", "the old mill ", "\xE4\xBD\xA0", "\xFF", "<|", "<|eot_id|>"}) {
                QTest::addRow("%s %s", vocabulary, QByteArray(unit).toPercentEncoding().constData())
                    << vocabulary << QByteArray(unit);
            }
        }
    }
    void Tokenizer_longTextsComeBack() {
        QFETCH(QString, vocabulary);
        QFETCH(QByteArray, unit);
        const auto tokenizer = ours(qPrintable(vocabulary));
        const std::string text = unit.repeated(200'000 / unit.size()).toStdString() + "x";
        QVERIFY(tokenizer->decode(asText(*tokenizer, text)) == text);
    }

    void Spm_spacePrefixIsAddedAndTakenAway() {
        const auto tokenizer = ours("toy-spm");
        const Ids ids = asText(*tokenizer, "mill");
        QCOMPARE(tokenizer->tokenBytes(ids.front()).substr(0, 1), std::string_view(" "));
        QCOMPARE(tokenizer->decode(ids), std::string("mill"));
        QCOMPARE(tokenizer->decode(asText(*tokenizer, " mill")), std::string(" mill"));
    }

    void Spm_highestScoreGoesFirstThenTheLeftmost() {
        Vocabulary vocabulary;
        vocabulary.model = "llama";
        for (const char* token : {"<unk>", "a", "b", "c", "ab", "bc", "aa", "abc"})
            add(vocabulary, token);
        vocabulary.types[0] = TokenType::Unknown;
        vocabulary.unknown = 0;
        vocabulary.addSpacePrefix = false;
        vocabulary.scores = {0, -9, -9, -9, -2, -1, -3, -8};
        const auto tokenizer = made(vocabulary);
        QVERIFY(tokenizer->notice().empty());
        QCOMPARE(asText(*tokenizer, "abc"), Ids{7}); // b c first, then a bc
        QCOMPARE(asText(*tokenizer, "aaa"), (Ids{6, 1}));
        QCOMPARE(asText(*tokenizer, "aab"), (Ids{1, 4}));
        QCOMPARE(asText(*tokenizer, "a\xE2\x82\xAC"), (Ids{1, 0, 0, 0})); // no byte tokens
        vocabulary.scores.clear();
        QVERIFY(!made(vocabulary)->notice().empty());
        QCOMPARE(asText(*made(vocabulary), "aab"), (Ids{1, 4}));
    }

    void PreTokenizer_everyByteIsInOneWord_data() {
        QTest::addColumn<QString>("pre");
        for (const char* pre : {"bailingmoe", "bloom", "deepseek-coder", "deepseek-llm", "deepseek-v3", "default",
                                "falcon", "gpt-2", "gpt-4o", "llama-bpe", "minicpm5", "qwen2", "qwen35", "seed-coder",
                                "smollm", "tekken", "viking", "unknown"}) {
            QTest::newRow(pre) << pre;
        }
    }
    void PreTokenizer_everyByteIsInOneWord() {
        QFETCH(QString, pre);
        const PreTokenizerRecipe recipe = preTokenizerRecipe(pre.toStdString());
        QCOMPARE(recipe.known, pre != "unknown");
        const auto preTokenizer = PreTokenizer::create(recipe);
        QVERIFY2(preTokenizer.has_value(), preTokenizer ? "" : preTokenizer.error().message.c_str());
        std::mt19937 random(11);
        for (int i = 0; i < 500; ++i)
            verifyWords(*preTokenizer, randomBytes(random));
        verifyWords(*preTokenizer, std::string(100'000, ' ') + "x");
        verifyWords(*preTokenizer, std::string(100'000, 'x'));
    }

    void PreTokenizer_cutsWords_data() {
        QTest::addColumn<QString>("pre");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("words");
        QTest::newRow("contraction") << "gpt-2"
                                     << "don't go"
                                     << "don|'t| go";
        QTest::newRow("gpt-2 leaves capitals") << "gpt-2"
                                               << "DON'T"
                                               << "DON|'|T";
        QTest::newRow("llama 3 takes capitals") << "llama-bpe"
                                                << "DON'T"
                                                << "DON|'T";
        QTest::newRow("llama 3 numbers by three") << "llama-bpe"
                                                  << "12345"
                                                  << "123|45";
        QTest::newRow("qwen2 digit by digit") << "qwen2"
                                              << "123"
                                              << "1|2|3";
        QTest::newRow("last blank goes to the word") << "llama-bpe"
                                                     << "a   b"
                                                     << "a|  | b";
        QTest::newRow("line ends") << "llama-bpe"
                                   << "a \n\n b"
                                   << "a| \n\n| b";
        QTest::newRow("tekken splits camel case") << "tekken"
                                                  << "camelCaseWord"
                                                  << "camel|Case|Word";
        QTest::newRow("falcon triples") << "falcon"
                                        << "12345"
                                        << "123|45";
        QTest::newRow("U+180E is no blank")
            << "gpt-2" << QString("a") + QChar(0x180E) + "b" << QString("a|") + QChar(0x180E) + "|b";
        QTest::newRow("U+3000 is a blank") << "gpt-2" << QString("!") + QChar(0x3000) << QString("!|") + QChar(0x3000);
    }
    void PreTokenizer_cutsWords() {
        QFETCH(QString, pre);
        QFETCH(QString, text);
        QFETCH(QString, words);
        const auto preTokenizer = PreTokenizer::create(preTokenizerRecipe(pre.toStdString()));
        QVERIFY(preTokenizer.has_value());
        const std::string bytes = text.toStdString();
        QStringList got;
        for (const std::string_view word : preTokenizer->split(bytes))
            got << QString::fromUtf8(word.data(), static_cast<qsizetype>(word.size()));
        QCOMPARE(got.join('|'), words);
    }

    void PreTokenizer_givingUpLosesNothing() {
        // Exponential on purpose: PCRE2 reaches its limit, and the rest is cut blindly.
        static constexpr std::string_view kPatterns[] = {"(?:a|a|aa)+[bc]"};
        const auto preTokenizer = PreTokenizer::create({kPatterns, true});
        QVERIFY(preTokenizer.has_value());
        const std::string text = std::string(3000, 'a') + "\xE4\xBD\xA0";
        QVERIFY(preTokenizer->split(text).size() >= 3);
        verifyWords(*preTokenizer, text);
    }

    void PreTokenizer_badPatternIsAnError() {
        static constexpr std::string_view kPatterns[] = {"(unclosed"};
        const auto preTokenizer = PreTokenizer::create({kPatterns, true});
        QVERIFY(!preTokenizer.has_value());
        QCOMPARE(preTokenizer.error().code, ErrorCode::Internal);
    }

    void TextStreamDecoder_holdsBackWhatIsNotWhole_data() {
        QTest::addColumn<QList<QByteArray>>("fed");
        QTest::addColumn<QList<QByteArray>>("expected"); // one more than fed: what finish gives
        using Pieces = QList<QByteArray>;
        QTest::newRow("ascii") << Pieces{"ab", "c"} << Pieces{"ab", "c", ""};
        QTest::newRow("two halves") << Pieces{"\xC3", "\xA9"} << Pieces{"", "\xC3\xA9", ""};
        QTest::newRow("emoji byte by byte")
            << Pieces{"\xF0", "\x9F", "\x98", "\x80!"} << Pieces{"", "", "", "\xF0\x9F\x98\x80!", ""};
        QTest::newRow("unfinished") << Pieces{"a\xE4\xBD"} << Pieces{"a", "\xEF\xBF\xBD"};
        QTest::newRow("never valid") << Pieces{"a\xFFz"} << Pieces{"a\xEF\xBF\xBDz", ""};
        QTest::newRow("broken off by ascii") << Pieces{"\xE4", "a"}
                                             << Pieces{"",
                                                       "\xEF\xBF\xBD"
                                                       "a",
                                                       ""};
        QTest::newRow("nothing") << Pieces{""} << Pieces{"", ""};
    }
    void TextStreamDecoder_holdsBackWhatIsNotWhole() {
        QFETCH(QList<QByteArray>, fed);
        QFETCH(QList<QByteArray>, expected);
        TextStreamDecoder decoder;
        for (qsizetype i = 0; i < fed.size(); ++i)
            QCOMPARE(QByteArray::fromStdString(decoder.feed(fed[i].toStdString())), expected[i]);
        QCOMPARE(QByteArray::fromStdString(decoder.finish()), expected.last());
        QCOMPARE(decoder.feed("again"), std::string("again"));
    }

private:
    static void vocabularies() {
        QTest::addColumn<QString>("vocabulary");
        for (const char* name : {"toy-bpe-llama3", "toy-bpe-qwen2", "toy-spm", "toy-spm-no-prefix", "toy-spm-strip"})
            QTest::newRow(name) << name;
    }

    static void verifyWords(const PreTokenizer& preTokenizer, const std::string& text) {
        std::string joined;
        for (const std::string_view word : preTokenizer.split(text)) {
            QVERIFY(!word.empty());
            joined += word;
        }
        QVERIFY(joined == text);
    }
};

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tokenizer_test.moc"
