// SPDX-License-Identifier: Apache-2.0
#include "tests/core/model/logit_distance.h"

#include "core/gguf/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace hearth::test {

namespace {

std::vector<double> logSoftmax(std::span<const float> row) {
    const double largest = *std::ranges::max_element(row);
    double sum = 0.0;
    for (const float value : row)
        sum += std::exp(value - largest);
    std::vector<double> result;
    result.reserve(row.size());
    for (const float value : row)
        result.push_back(value - largest - std::log(sum));
    return result;
}

double deviation(std::span<const float> values) {
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
        sum += value;
        squares += static_cast<double>(value) * value;
    }
    const auto count = static_cast<double>(values.size());
    return std::sqrt(squares / count - (sum / count) * (sum / count));
}

} // namespace

LogitDistance logitDistance(std::span<const float> actual, std::span<const float> expected, std::size_t vocabulary) {
    LogitDistance distance;
    const double sigma = deviation(expected);
    const std::size_t rows = expected.size() / vocabulary;
    double squares = 0.0;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto actualRow = actual.subspan(row * vocabulary, vocabulary);
        const auto expectedRow = expected.subspan(row * vocabulary, vocabulary);
        for (std::size_t i = 0; i < vocabulary; ++i) {
            const double difference = std::fabs(static_cast<double>(actualRow[i]) - expectedRow[i]) / sigma;
            // The comparison is false for NaN, which must not pass.
            if (!(difference <= distance.max)) {
                distance.max = difference;
                distance.worstRow = row;
            }
            squares += difference * difference;
        }
        const std::vector<double> p = logSoftmax(expectedRow);
        const std::vector<double> q = logSoftmax(actualRow);
        for (std::size_t i = 0; i < vocabulary; ++i)
            distance.meanKl += std::exp(p[i]) * (p[i] - q[i]) / static_cast<double>(rows);
    }
    distance.rms = std::sqrt(squares / static_cast<double>(expected.size()));
    return distance;
}

LogitTolerance toleranceFor(const core::GgufFile& file, kernels::CpuPath path) {
    bool quantised = false;
    bool superBlocks = false;
    for (const core::GgufTensor& tensor : file.tensors()) {
        const std::uint32_t elements = kernels::info(tensor.dtype).elementsPerBlock;
        quantised |= elements > 1;
        superBlocks |= elements == 256;
    }
    if (path == kernels::CpuPath::Portable || !quantised) return {0.003, 0.02, 2e-5};
    if (superBlocks) return {0.05, 0.3, 0.015};
    return {0.035, 0.25, 0.01};
}

std::string complaint(const LogitDistance& distance, const LogitTolerance& tolerance) {
    if (distance.rms <= tolerance.rms && distance.max <= tolerance.max && distance.meanKl <= tolerance.meanKl)
        return {};
    return fmt::format("rms {:.5f} (<= {}), max {:.4f} (<= {}) at position {}, mean KL {:.2e} (<= {})", distance.rms,
                       tolerance.rms, distance.max, tolerance.max, distance.worstRow, distance.meanKl,
                       tolerance.meanKl);
}

std::size_t argmax(std::span<const float> row) {
    return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
}

std::vector<float> readFloats(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) return {};
    std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
    return values;
}

std::vector<kernels::CpuPath> supportedCpuPaths() {
    using enum kernels::CpuPath;
    std::vector<kernels::CpuPath> paths;
    for (const kernels::CpuPath path : {Portable, Avx2, Avx2Vnni, Avx512, Avx512Vnni}) {
        if (kernels::cpuPathSupported(path)) paths.push_back(path);
    }
    return paths;
}

} // namespace hearth::test
