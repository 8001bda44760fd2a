// SPDX-License-Identifier: Apache-2.0
#include "core/engine/gpu_verdicts.h"

#include "core/base/log.h"
#include "core/engine/kernel_fault_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

namespace hearth::core {

namespace {

using Json = nlohmann::json;

/// Nothing for what toJson() did not write.
std::optional<GpuVerdict> verdictFrom(const Json& value) {
    if (!value.is_object() || !value.contains("reason") || !value["reason"].is_string()) return {};
    const std::string reason = value["reason"];
    const auto all = kernels::allGpuReasons();
    const auto found = std::ranges::find_if(all, [&](kernels::GpuReason one) { return kernels::name(one) == reason; });
    if (found == all.end()) return {};
    GpuVerdict verdict{.reason = *found};
    if (value.contains("detail") && value["detail"].is_string()) verdict.detail = value["detail"];
    if (value.contains("testMs") && value["testMs"].is_number_integer()) verdict.testMs = value["testMs"];
    if (!value.contains("faults")) return verdict;
    try {
        verdict.faults = faultsFromJson(value["faults"]);
    } catch (const Json::exception&) {
        return {}; // a device must not be trusted with what cannot be read
    }
    return verdict;
}

Json toJson(const GpuVerdict& verdict) {
    Json out{{"reason", kernels::name(verdict.reason)}, {"detail", verdict.detail}};
    if (verdict.testMs > 0) out["testMs"] = verdict.testMs;
    if (!verdict.faults.empty()) out["faults"] = faultsToJson(verdict.faults);
    return out;
}

} // namespace

TextVerdictStore::TextVerdictStore(const std::string& text, std::function<void(const std::string&)> changed)
    : m_changed(std::move(changed)) {
    const Json in = Json::parse(text, nullptr, false);
    if (!in.is_object()) return;
    for (const auto& [key, value] : in.items()) {
        if (auto verdict = verdictFrom(value)) m_verdicts[key] = std::move(*verdict);
    }
}

std::optional<GpuVerdict> TextVerdictStore::load(const std::string& key) const {
    const auto found = m_verdicts.find(key);
    if (found == m_verdicts.end()) return {};
    return found->second;
}

void TextVerdictStore::save(const std::string& key, const GpuVerdict& verdict) {
    m_verdicts[key] = verdict;
    publish();
}

void TextVerdictStore::clear() {
    m_verdicts.clear();
    publish();
}

void TextVerdictStore::publish() const {
    if (!m_changed) return;
    Json out = Json::object();
    for (const auto& [key, verdict] : m_verdicts)
        out[key] = toJson(verdict);
    m_changed(out.dump(1, ' ', false, Json::error_handler_t::replace));
}

std::unique_ptr<VerdictStore> openVerdictFile(const std::filesystem::path& file) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return std::make_unique<TextVerdictStore>(text, [file](const std::string& changed) {
        std::error_code error;
        std::filesystem::create_directories(file.parent_path(), error);
        // Whole or not at all: another process may read it now.
        const std::filesystem::path draft = file.string() + ".new";
        {
            std::ofstream out(draft, std::ios::trunc);
            out << changed;
            if (!out.flush()) error = std::make_error_code(std::errc::io_error);
        }
        if (!error) std::filesystem::rename(draft, file, error);
        if (error) spdlog::warn("{}: not written: {}", file.string(), error.message());
    });
}

} // namespace hearth::core
