// SPDX-License-Identifier: Apache-2.0
//
// make-model: a model file with random weights, for measuring speed and for checks. What it says is nonsense.
#include "app/cli/commands.h"
#include "app/cli/random_model.h"
#include "core/base/units.h"

#include <fmt/format.h>

#include <chrono>

namespace hearth::app::cli {

std::vector<std::string> makeModelShapes() {
    std::vector<std::string> names;
    for (const ModelShape& shape : modelShapes()) names.emplace_back(shape.name);
    return names;
}

std::vector<std::string> makeModelTypes() {
    return {modelTypes().begin(), modelTypes().end()};
}

int makeModel(const MakeModelArguments& arguments) {
    RandomModelRequest request{.shape = *findModelShape(arguments.shape), .type = arguments.type, .path = arguments.out,
                               .seed = arguments.seed, .threads = arguments.threads};
    if (arguments.layers > 0) request.shape.layers = arguments.layers;
    const auto start = std::chrono::steady_clock::now();
    const auto bytes = writeRandomModel(request);
    if (!bytes) return report(bytes.error());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{}: {}, {}, {} layers, seed {}: {} in {:.1f} s\n", arguments.out, request.shape.title, arguments.type, request.shape.layers,
               arguments.seed, core::formatBytes(*bytes), seconds);
    return 0;
}

} // namespace hearth::app::cli
