// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a GGUF file: parsing ends in an error or in a file whose tensors lie inside it, whose vocabulary can be
// used, and which the loader's checks accept or refuse.
#include "core/gguf/gguf_file.h"
#include "core/model/model.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

#include <numeric>

using namespace hearth::core;
using hearth::test::require;

namespace {

void readEveryTensor(const GgufFile& file) {
    unsigned sum = 0;
    for (const GgufTensor& tensor : file.tensors()) {
        const std::span<const std::byte> bytes = file.data(tensor);
        require(bytes.size() == tensor.byteSize, "a tensor has its bytes");
        for (const std::byte byte : bytes)
            sum += static_cast<unsigned>(byte);
        require(file.findTensor(tensor.name) == &tensor, "a tensor is found by its name");
    }
    volatile unsigned kept = sum; // so that the reading is not optimised away
    static_cast<void>(kept);
}

void useVocabulary(const GgufMetadata& metadata) {
    auto vocabulary = readVocabulary(metadata);
    if (!vocabulary) return require(!vocabulary.error().message.empty(), "an error says what is wrong");
    const auto tokenizer = Tokenizer::create(std::move(*vocabulary));
    if (!tokenizer) return require(!tokenizer.error().message.empty(), "an error says what is wrong");
    const auto ids =
        (*tokenizer)->encode("the old mill <s> \xC3\xA9\xFF 123", AddSpecial::AsModelSays, SpecialTokens::Parse);
    for (const TokenId id : ids)
        require(id >= 0 && static_cast<std::size_t>(id) < (*tokenizer)->size(), "ids are of the vocabulary");
    require((*tokenizer)->decode(ids).size() <= (std::size_t{1} << 24), "text is not out of proportion");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
    if (!file) {
        require(!file.error().message.empty(), "an error says what is wrong");
        return 0;
    }
    readEveryTensor(*file);
    useVocabulary(file->metadata());
    const auto checked = Model::check(*file);
    require(checked.has_value() || !checked.error().message.empty(), "an error says what is wrong");
    return 0;
}
