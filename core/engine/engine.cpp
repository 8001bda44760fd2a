// SPDX-License-Identifier: Apache-2.0
#include "core/engine/engine.h"

#include "core/base/log.h"
#include "core/base/units.h"
#include "core/chat/stop_matcher.h"
#include "core/engine/prompt_lookup.h"
#include "core/engine/sampler.h"
#include "core/gguf/file_type.h"
#include "core/tokenizer/text_stream_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <chrono>
#include <iterator>
#include <utility>

namespace hearth::core {

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::size_t commonPrefix(std::span<const TokenId> a, std::span<const TokenId> b) {
    const auto [left, right] = std::ranges::mismatch(a, b);
    return static_cast<std::size_t>(left - a.begin());
}

std::vector<TokenId> findDryBreakers(const Tokenizer& tokenizer) {
    std::vector<TokenId> breakers;
    for (std::size_t id = 0; id < tokenizer.size(); ++id) {
        const std::string_view bytes = tokenizer.tokenBytes(static_cast<TokenId>(id));
        if (bytes.find_first_of("\n:\"*") != std::string_view::npos) breakers.push_back(static_cast<TokenId>(id));
    }
    return breakers;
}

} // namespace

/// Token bytes -> whole UTF-8 -> stop strings -> parts -> the caller, noting when the first text came.
struct Engine::ReplyWriter {
    ReplyWriter(const GenerationEvents& toEvents, GenerationResult& result, const ChatPrompt& prompt, std::vector<std::string> stops)
        : raw(result.rawText)
        , matcher(std::move(stops))
        , parser(ReplyParser::create(prompt.replyFormat(), prompt.replyStart(),
                                     {.text =
                                          [this, &toEvents](std::string_view text) {
                                              any = true;
                                              if (toEvents.text) toEvents.text(text);
                                          },
                                      .part =
                                          [&toEvents, &result](const ReplyDelta& delta) {
                                              result.parts.add(delta);
                                              if (toEvents.part) toEvents.part(delta);
                                          }})) {}
    ReplyWriter(const ReplyWriter&) = delete; // the parser's callbacks point here
    ReplyWriter& operator=(const ReplyWriter&) = delete;

    std::string& raw;
    TextStreamDecoder decoder{};
    StopMatcher matcher;
    std::unique_ptr<ReplyParser> parser;
    bool any = false;

    void read(std::string_view text) {
        raw += text;
        parser->feed(text);
    }
    /// False when a stop string was completed.
    bool write(std::string_view bytes) {
        const StopMatcher::Step step = matcher.feed(decoder.feed(bytes));
        read(step.text);
        return !step.stopped;
    }
    void finish() {
        const StopMatcher::Step step = matcher.feed(decoder.finish());
        read(step.text);
        if (!step.stopped) read(matcher.finish());
        parser->finish();
    }
};

Engine::Engine(EngineOptions options)
    : m_options(std::move(options)) {}

Engine::~Engine() {
    unload();
}

void Engine::unload() {
    m_prompt.reset();
    m_tokenizer.reset();
    releaseModel();
    m_session.clear();
    m_ahead = 0;
    m_dryBreakers.clear();
    m_request = {};
    m_placement = {};
    m_contextLength = 0;
    m_lastDropped = 0;
}

Result<ModelInfo> Engine::load(const LoadRequest& request, const std::function<void(const LoadProgress&)>& progress,
                               std::stop_token stop) {
    unload();
    const auto start = Clock::now();
    // Reaching the end with `loaded` unset gives everything back: on error or cancel nothing stays loaded.
    struct Rollback {
        Engine& engine;
        bool loaded = false;
        ~Rollback() {
            if (!loaded) engine.unload();
        }
    } rollback{*this};
    m_request = request;

    auto file = GgufFile::open(request.path);
    if (!file) return std::unexpected(file.error());
    auto vocabulary = readVocabulary(file->metadata());
    if (!vocabulary) return std::unexpected(vocabulary.error());
    auto tokenizer = Tokenizer::create(std::move(*vocabulary));
    if (!tokenizer) return std::unexpected(tokenizer.error());
    m_tokenizer = std::move(*tokenizer);
    const std::string templateSource(file->metadata().string("tokenizer.chat_template").value_or(""));
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "loading was cancelled");

    if (auto placed = placeModel(std::move(*file), progress, stop); !placed) return std::unexpected(placed.error());
    m_prompt = std::make_unique<ChatPrompt>(*m_tokenizer, templateSource);
    m_dryBreakers = findDryBreakers(*m_tokenizer);
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "loading was cancelled");

    rollback.loaded = true;
    ModelInfo info = describe();
    info.loadSeconds = secondsSince(start);
    spdlog::info("loaded {} ({}, {}) in {:.2f} s: {} {}; {}", info.name, info.architecture, info.quantization, info.loadSeconds, info.backend, info.backendDetail, info.backendReason);
    return info;
}

ModelInfo Engine::describe() const {
    const ModelConfig& config = m_model->config();
    const kernels::DeviceInfo device = (m_gpuBackend ? m_gpuBackend : m_cpuBackend)->deviceInfo();
    const MemoryPlan& plan = m_placement.plan;
    ModelInfo info;
    info.path = m_request.path;
    info.name = displayName(m_model->file());
    info.architecture = config.architecture;
    info.quantization = quantizationName(m_model->file());
    info.fileBytes = m_model->file().fileBytes();
    info.parameters = parameterCount(m_model->file());
    info.layers = config.layers;
    info.vocabularySize = config.vocabulary;
    info.contextLength = m_contextLength;
    info.trainedContextLength = config.trainedContext;
    info.kvBytes = m_cache->bytes();
    info.kvType = name(m_cache->type());
    info.scratchBytes = m_model->scratchBytes();
    info.threads = plan.placement.uses(BackendSide::Cpu, config.layers) ? m_cpuBackend->deviceInfo().threads : 0;
    info.backend = m_gpuBackend ? "GPU" : "CPU";
    info.backendDetail = device.isa;
    info.backendReason = m_gpuBackend ? fmt::format("Runs on the {}.", m_placement.device.name) : "Runs on the CPU. " + m_placement.explanation;
    if (m_gpuBackend && plan.reason != PlanReason::Full) info.backendReason += ' ' + core::describe(plan);
    const bool limited = plan.keepsWrongParts() || plan.q8CacheWrong || m_placement.gaps.sampling;
    if (m_gpuBackend && limited) info.backendReason += fmt::format(" Here {}.", limitsOf(m_placement.device));
    info.device = m_gpuBackend ? m_placement.device.id : std::string(kCpuDevice);
    info.gpuName = m_placement.gpuName;
    info.gpuLayers = plan.layersOnGpu();
    info.fallback = m_placement.fallback;
    info.gpuReason = m_placement.reason;
    info.chatTemplateFromFile = m_prompt->usesFileTemplate();
    if (!m_prompt->notice().empty()) info.notices.push_back(m_prompt->notice());
    if (!m_tokenizer->notice().empty()) info.notices.emplace_back(m_tokenizer->notice());
    if (config.trainedContext > 0 && m_contextLength > config.trainedContext) {
        info.notices.push_back(fmt::format("The context of {} tokens is longer than the {} that this model was trained for; answers may get worse past that.",
                                           formatCount(static_cast<std::uint64_t>(m_contextLength)), formatCount(static_cast<std::uint64_t>(config.trainedContext))));
    }
    return info;
}

Result<void> Engine::checkReady() {
    if (m_request.path.empty()) return fail(ErrorCode::NoModelLoaded, "no model is loaded");
    // A take-over that could not be finished, for want of memory, is tried again with every request.
    if (!m_model) {
        if (auto loaded = loadOnCpu(); !loaded) return loaded;
    }
    return m_model->checkFile();
}

std::uint64_t Engine::weightBytesPerToken() const {
    if (!m_model) return 0;
    // A separate output matrix means that of the embedding only one row is read.
    const GgufFile& file = m_model->file();
    std::uint64_t bytes = 0;
    for (const GgufTensor& tensor : file.tensors()) {
        const bool lookedUp = tensor.name == "position_embd.weight" || (tensor.name == "token_embd.weight" && file.findTensor("output.weight") != nullptr);
        const bool expert = m_model->config().experts > 0 && tensor.name.find("_exps.") != std::string::npos;
        if (lookedUp) continue;
        bytes += expert ? tensor.byteSize / static_cast<std::uint64_t>(m_model->config().experts) * static_cast<std::uint64_t>(m_model->config().expertsUsed) : tensor.byteSize;
    }
    return bytes;
}

std::optional<double> Engine::deviceReadBandwidth() {
    const auto& backend = m_gpuBackend ? m_gpuBackend : m_cpuBackend;
    const double measured = m_model && backend ? backend->measureReadBandwidth() : 0.0;
    return measured > 0.0 ? std::optional(measured) : std::nullopt;
}

void Engine::clearSession(std::size_t keep) {
    if (keep < m_session.size()) m_session.resize(keep);
    if (m_cache) m_cache->truncate(static_cast<std::int32_t>(m_session.size()));
}

Result<void> Engine::feed(std::span<const TokenId> ids, Wanted wanted, std::stop_token stop) {
    m_ahead = 0;
    auto done = feedHere(ids, wanted, stop);
    if (done || m_takeover == nullptr || !isGpuFailure(done.error())) return done;
    if (auto taken = takeOver(done.error(), stop); !taken) return taken;
    return feedHere(ids, wanted, std::move(stop));
}

Result<void> Engine::feedHere(std::span<const TokenId> ids, Wanted wanted, std::stop_token stop) {
    Result<void> done;
    m_chosen.reset();
    if (wanted.logits == LogitsWanted::Last && wanted.sampler != nullptr && choosesOnGpu(*wanted.sampler)) {
        const Sampler::DeviceRequest request = wanted.sampler->deviceRequest();
        auto token = m_model->forwardAndSample(*m_cache, ids, {request.penalties, request.params, static_cast<std::int32_t>(choosableTokens())}, stop);
        if (token) {
            m_chosen = *token;
        } else {
            done = std::unexpected(std::move(token.error()));
        }
    } else {
        const auto vocabulary = static_cast<std::size_t>(m_model->config().vocabulary);
        m_logits.resize(wanted.logits == LogitsWanted::All ? ids.size() * vocabulary : wanted.logits == LogitsWanted::Last ? vocabulary : 0);
        done = m_model->forward(*m_cache, ids, wanted.logits, m_logits, stop);
    }
    // Zeros that stand in for lost pages must never become an answer.
    if (done) done = m_model->checkFile();
    if (!done) {
        m_cache->truncate(static_cast<std::int32_t>(m_session.size()));
        return done;
    }
    m_session.insert(m_session.end(), ids.begin(), ids.end());
    return {};
}

std::size_t Engine::choosableTokens() const {
    return std::min(static_cast<std::size_t>(m_model->config().vocabulary), m_tokenizer->size());
}

bool Engine::choosesOnGpu(const Sampler& sampler) const {
    return m_options.sampleOnGpu && !m_placement.gaps.sampling && m_model && m_model->samples() && sampler.fitsDevice();
}

Result<TokenId> Engine::choose(Sampler& sampler) {
    if (m_chosen) sampler.countDeviceChoice();
    const std::size_t row = m_logits.size() - (m_chosen ? 0 : (m_ahead + 1) * static_cast<std::size_t>(m_model->config().vocabulary));
    const std::optional<TokenId> token = m_chosen ? *m_chosen : sampler.sample(std::span(m_logits).subspan(row).first(choosableTokens()));
    if (!token) return fail(ErrorCode::MalformedFile, "the model computes no finite numbers; its file may be damaged");
    return *token;
}

bool Engine::endsReply(TokenId token, std::int32_t generated) const {
    // A template that leaves the reply's frame to the model lets it begin its own turn first.
    return m_tokenizer->endsGeneration(token) || m_prompt->endsTurn(token) || (generated > 0 && m_tokenizer->beginsTurn(token));
}

void Engine::dropGuesses() {
    clearSession(m_session.size() - std::exchange(m_ahead, 0));
}

Result<void> Engine::goOn(TokenId token, PromptLookup& lookup, const Sampler& sampler, GenerationStats& stats, std::stop_token stop) {
    if (m_ahead > 0 && m_session[m_session.size() - m_ahead] == token) { // computed already
        --m_ahead;
        ++stats.rightGuesses;
        lookup.judge(1, 1);
        return {};
    }
    lookup.judge(m_ahead, 0);
    dropGuesses();
    const std::size_t room = static_cast<std::size_t>(m_contextLength) - std::min(static_cast<std::size_t>(m_contextLength), m_session.size() + 1);
    std::vector<TokenId> ids{token};
    if (!m_gpuBackend) std::ranges::copy(lookup.guess(room), std::back_inserter(ids));
    if (ids.size() == 1) return feed(ids, {LogitsWanted::Last, &sampler}, std::move(stop));
    if (auto fed = feed(ids, {LogitsWanted::All}, std::move(stop)); !fed) return fed;
    m_ahead = ids.size() - 1;
    stats.guessedTokens += static_cast<std::int32_t>(m_ahead);
    return {};
}

Result<void> Engine::computePrompt(std::span<const TokenId> ids, const Sampler* sampler, const GenerationEvents& events,
                                   GenerationStats& stats, std::stop_token stop) {
    dropGuesses();
    // The last token is always computed: its logits are needed.
    const std::size_t kept = std::min(commonPrefix(m_session, ids), ids.size() - 1);
    m_session.resize(kept);
    m_cache->truncate(static_cast<std::int32_t>(kept));
    stats.promptTokens = static_cast<std::int32_t>(ids.size());
    stats.cachedTokens = static_cast<std::int32_t>(kept);

    const auto start = Clock::now();
    const auto total = static_cast<std::int32_t>(ids.size() - kept);
    for (std::size_t at = kept; at < ids.size();) {
        if (events.promptProgress) events.promptProgress({static_cast<std::int32_t>(at - kept), total});
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped while reading the prompt");
        const auto chunk = static_cast<std::size_t>(m_model->prefillChunk());
        const std::size_t count = std::min(chunk, ids.size() - at);
        const bool last = at + count == ids.size();
        const Wanted wanted{last ? LogitsWanted::Last : LogitsWanted::None, sampler};
        if (auto done = feed(ids.subspan(at, count), wanted, stop); !done) return done;
        at += count;
        stats.promptSeconds = secondsSince(start);
        stats.contextUsed = static_cast<std::int32_t>(m_session.size());
    }
    if (events.promptProgress) events.promptProgress({total, total});
    return {};
}

Result<std::int32_t> Engine::countTokens(const std::vector<ChatMessage>& messages) {
    if (!m_prompt) return fail(ErrorCode::NoModelLoaded, "no model is loaded");
    GenerationRequest request;
    request.messages = messages;
    const auto prompt = m_prompt->build(request, std::numeric_limits<std::int32_t>::max(), 0);
    if (!prompt) return std::unexpected(prompt.error());
    return static_cast<std::int32_t>(std::min<std::size_t>(prompt->ids.size(), std::numeric_limits<std::int32_t>::max()));
}

Result<GenerationResult> Engine::generate(const GenerationRequest& request, const GenerationEvents& events, std::stop_token stop) {
    const auto start = Clock::now();
    if (auto intact = checkReady(); !intact) return std::unexpected(intact.error());

    GenerationResult result;
    Takeover takeover{events, result.notices};
    m_takeover = &takeover;
    struct EndOfReply {
        Takeover*& slot;
        ~EndOfReply() { slot = nullptr; }
    } const endOfReply{m_takeover};
    GenerationStats& stats = result.stats;
    stats.contextLength = m_contextLength;
    stats.seed = request.sampling.seed >= 0 ? request.sampling.seed : freshSeed();

    // Room that the reply gets at least: else a prompt that just fits would leave no space for an answer.
    const std::int32_t reserve = std::max(1, std::min(request.maxTokens > 0 ? request.maxTokens : 512, m_contextLength / 4));
    auto prompt = m_prompt->build(request, m_contextLength - reserve, m_lastDropped);
    if (!prompt) return std::unexpected(prompt.error());
    if (prompt->ids.empty()) return fail(ErrorCode::InvalidArgument, "the chat template produced an empty prompt");
    m_lastDropped = prompt->droppedMessages;
    if (!request.tools.empty() && !m_prompt->knowsTools()) result.notices.emplace_back("The model's chat template knows no tools, so it was not told of them.");
    stats.droppedMessages = prompt->droppedMessages;

    const auto finish = [&](FinishReason reason) {
        dropGuesses();
        result.reason = reason;
        stats.contextUsed = static_cast<std::int32_t>(m_session.size());
        spdlog::debug("reply: {} prompt tokens ({} cached) in {:.2f} s, {} generated ({} chosen by the GPU, {} of {} guesses right) in {:.2f} s",
                      stats.promptTokens, stats.cachedTokens, stats.promptSeconds, stats.generatedTokens, stats.gpuChosenTokens, stats.rightGuesses,
                      stats.guessedTokens, stats.generationSeconds);
        return result;
    };

    Sampler sampler(request.sampling, static_cast<std::uint64_t>(stats.seed), m_dryBreakers);
    sampler.accept(prompt->ids);
    PromptLookup lookup(static_cast<std::size_t>(std::max(m_options.guesses, 0)));
    lookup.append(prompt->ids);
    if (auto computed = computePrompt(prompt->ids, &sampler, events, stats, stop); !computed) {
        if (computed.error().code == ErrorCode::Cancelled) return finish(FinishReason::Cancelled);
        return std::unexpected(computed.error());
    }

    std::vector<std::string> stops = request.stops;
    stops.insert(stops.end(), m_prompt->stops().begin(), m_prompt->stops().end());
    ReplyWriter writer(events, result, *m_prompt, std::move(stops));

    const auto generationStart = Clock::now();
    FinishReason reason = FinishReason::EndOfText;
    for (;;) {
        if (stop.stop_requested()) {
            reason = FinishReason::Cancelled;
            break;
        }
        const bool onGpu = m_chosen.has_value();
        const auto token = choose(sampler);
        if (!token) return std::unexpected(token.error());
        if (endsReply(*token, stats.generatedTokens)) break;
        ++stats.generatedTokens;
        stats.gpuChosenTokens += onGpu ? 1 : 0;
        sampler.accept(*token);
        lookup.append({&*token, 1});
        const bool had = writer.any;
        const bool goesOn = writer.write(m_prompt->replyBytes(*token));
        if (!had && writer.any) stats.firstTokenSeconds = secondsSince(start);
        stats.generationSeconds = secondsSince(generationStart);
        const auto used = static_cast<std::int32_t>(m_session.size() - m_ahead) + 1; // with the token that is fed next
        stats.contextUsed = used;
        if (events.stats) events.stats(stats);
        if (!goesOn) {
            reason = FinishReason::StopString;
            break;
        }
        if (request.maxTokens > 0 && stats.generatedTokens >= request.maxTokens) {
            reason = FinishReason::TokenLimit;
            break;
        }
        if (used >= m_contextLength) {
            reason = FinishReason::ContextFull;
            break;
        }
        if (auto fed = goOn(*token, lookup, sampler, stats, stop); !fed) {
            if (fed.error().code != ErrorCode::Cancelled) {
                writer.finish();
                return std::unexpected(fed.error());
            }
            reason = FinishReason::Cancelled;
            break;
        }
    }
    writer.finish();
    stats.generationSeconds = secondsSince(generationStart);
    return finish(reason);
}

Result<std::vector<float>> Engine::logits(std::span<const TokenId> ids, std::stop_token stop) {
    if (auto ready = checkReady(); !ready) return std::unexpected(ready.error());
    clearSession();
    std::vector<float> all;
    const auto step = static_cast<std::size_t>(m_model->prefillChunk());
    for (std::size_t at = 0; at < ids.size(); at += step) {
        const auto chunk = ids.subspan(at, std::min(step, ids.size() - at));
        if (auto done = feed(chunk, {LogitsWanted::All}, stop); !done) return std::unexpected(done.error());
        all.insert(all.end(), m_logits.begin(), m_logits.end());
    }
    return all;
}

Result<void> Engine::prefill(std::span<const TokenId> ids, std::stop_token stop) {
    if (auto ready = checkReady(); !ready) return ready;
    if (ids.empty()) return fail(ErrorCode::InvalidArgument, "no tokens to compute");
    clearSession();
    GenerationStats stats;
    return computePrompt(ids, nullptr, {}, stats, stop);
}

Result<std::span<const float>> Engine::decodeStep(TokenId token, std::stop_token stop) {
    if (auto ready = checkReady(); !ready) return std::unexpected(ready.error());
    if (auto done = feed(std::span(&token, 1), {LogitsWanted::Last}, stop); !done) return std::unexpected(done.error());
    return std::span<const float>(m_logits);
}

Result<TokenId> Engine::chooseStep(TokenId token, Sampler& sampler, std::stop_token stop) {
    if (auto ready = checkReady(); !ready) return std::unexpected(ready.error());
    if (auto done = feed(std::span(&token, 1), {LogitsWanted::Last, &sampler}, stop); !done) return std::unexpected(done.error());
    return choose(sampler);
}

} // namespace hearth::core
