// SPDX-License-Identifier: Apache-2.0
//
// The plain values that cross between the window and whoever generates text: requests in, events and statistics out.
// Nothing here points at anything, so all of it may cross threads, and later processes.
#pragma once

#include "core/chat/reply.h"
#include "kernels/gpu_reason.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core {

using kernels::GpuReason;

enum class Role : std::uint8_t { System, User, Assistant, Tool };

struct ChatMessage {
    Role role = Role::User;
    std::string text;                ///< an assistant's: as it was shown, or its content alone
    std::vector<ToolCall> toolCalls; ///< an assistant's, when they are not in its text
    std::string toolName;            ///< a tool's: whose result the text is
    std::string toolCallId;
};

/// Chain order: penalties, top-k, typical, top-p, min-p, temperature, draw. Zero or the neutral value switches a link off.
struct SamplingSettings {
    float temperature = 0.7f;       ///< 0 = always the most likely token
    std::int32_t topK = 40;         ///< 0 = off
    float topP = 0.95f;             ///< 1 = off
    float minP = 0.05f;             ///< 0 = off
    float typicalP = 1.0f;          ///< 1 = off
    float repeatPenalty = 1.0f;     ///< 1 = off
    float frequencyPenalty = 0.0f;
    float presencePenalty = 0.0f;
    std::int32_t penaltyWindow = 64;///< tokens looked back on; 0 = off, -1 = all
    float dryMultiplier = 0.0f;     ///< 0 = off
    float dryBase = 1.75f;
    std::int32_t dryAllowedLength = 2;
    float xtcProbability = 0.0f;    ///< 0 = off
    float xtcThreshold = 0.1f;
    std::int64_t seed = -1;         ///< -1 = a fresh random seed per reply (reported in GenerationStats::seed)
};

struct LoadRequest {
    std::string path;
    std::int32_t contextLength = 0; ///< 0 = min(model's own, 8192)
    std::int32_t threads = 0;       ///< 0 = one per physical core
    std::string device;             ///< "" = automatic, "cpu", or a GPU's id (devices.h)
    std::int32_t gpuLayers = -1;    ///< -1 = as many as fit; 0 = all on the CPU
    bool retryGpu = false;          ///< try again what crashed or failed before
    std::string kvType = "f16";     ///< of keys and values: "f16" or "q8_0"
};

struct LoadProgress {
    float fraction = 0.0f;          ///< 0 to 1
    std::uint64_t bytesDone = 0;
    std::uint64_t bytesTotal = 0;
};

/// What is loaded, for the model button and the status panel.
struct ModelInfo {
    std::string path;
    std::string name;               ///< general.name, else the file's stem
    std::string architecture;       ///< "llama"
    std::string quantization;       ///< "Q4_K_M", from general.file_type, else the most frequent tensor type
    std::uint64_t fileBytes = 0;
    std::uint64_t parameters = 0;
    std::int32_t layers = 0;
    std::int32_t vocabularySize = 0;
    std::int32_t contextLength = 0; ///< in use
    std::int32_t trainedContextLength = 0;
    std::uint64_t kvBytes = 0;
    std::string kvType;             ///< "f16" or "q8_0"
    std::uint64_t scratchBytes = 0;
    std::int32_t threads = 0;
    std::string backend;            ///< "CPU" or "GPU"
    std::string backendDetail;      ///< instruction set or GPU family: "AVX-512 VNNI"
    std::string backendReason;      ///< why this back end, one or two sentences for people
    std::string device;             ///< "cpu", or the GPU's id
    std::string gpuName;            ///< "Radeon RX 7900 XTX": the GPU that is used, or that failed; empty when there is none
    std::int32_t gpuLayers = 0;     ///< layers computed on the GPU
    bool fallback = false;          ///< there is a GPU, nobody chose the CPU, and yet the CPU computes
    GpuReason gpuReason = GpuReason::Ok; ///< why no GPU is used; Ok while one is
    bool chatTemplateFromFile = false;
    std::vector<std::string> notices; ///< things a user should know: fallback template, unknown pre-tokenizer ...
    double loadSeconds = 0.0;
};

struct GenerationRequest {
    std::uint64_t id = 0;
    std::vector<ChatMessage> messages;  ///< oldest first; a system message, if any, is the first
    SamplingSettings sampling;
    std::int32_t maxTokens = 0;         ///< 0 = until the context is full
    std::vector<std::string> stops;
    bool continueLast = false;          ///< the last message is an assistant's to be carried on, not answered
    std::string tools;                  ///< JSON: [{"type": "function", "function": {"name", "description", "parameters"}}, ...]; empty = none
};

enum class FinishReason : std::uint8_t { EndOfText, StopString, TokenLimit, ContextFull, Cancelled };

struct GenerationStats {
    std::int32_t promptTokens = 0;      ///< whole prompt
    std::int32_t cachedTokens = 0;      ///< of these, already in the KV cache
    std::int32_t generatedTokens = 0;
    std::int32_t gpuChosenTokens = 0;   ///< of these, chosen where the logits were; the CPU chose the others
    std::int32_t guessedTokens = 0;     ///< computed ahead in the hope that they come next (prompt_lookup.h)
    std::int32_t rightGuesses = 0;      ///< of these, the ones that were chosen then
    double promptSeconds = 0.0;         ///< computing promptTokens - cachedTokens
    double generationSeconds = 0.0;
    double firstTokenSeconds = 0.0;     ///< request to first text
    std::int32_t contextUsed = 0;
    std::int32_t contextLength = 0;
    std::int32_t droppedMessages = 0;   ///< oldest turns left out because the context was full
    std::int64_t seed = 0;
};

/// A reply comes in three forms. The shown text (GenerationEvents::text; what is stored and given back in a ChatMessage) has the
/// model's words with one spelling of what is marked in them: <think> ... </think> around reasoning, also where the prompt opened it
/// or the model's own tags differ, and <tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call> for a call. `parts` is the same
/// taken apart, and `rawText` what the model wrote, its own markers and all.
struct GenerationResult {
    FinishReason reason = FinishReason::EndOfText;
    ReplyParts parts;
    std::string rawText;
    GenerationStats stats;
    std::vector<std::string> notices;   ///< what happened on the way that a user should know: the GPU failed, the CPU went on
};

struct PromptProgress {
    std::int32_t done = 0;
    std::int32_t total = 0;
};

} // namespace hearth::core
