// SPDX-License-Identifier: Apache-2.0
//
// How CpuBackend's operations use its pool: bodies of the templates that cpu_backend.h declares. For cpu_*.cpp only.
#pragma once

#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <new>

namespace hearth::kernels {

/// Below this many elements waking other threads costs more than it saves.
constexpr std::int64_t kElementsWorthSharing = 16 * 1024;

template <typename Value>
bool CpuBackend::grow(std::vector<Value>& scratch, std::int64_t count, const char* operation) {
    try {
        if (static_cast<std::int64_t>(scratch.size()) < count) scratch.resize(static_cast<std::size_t>(count));
    } catch (const std::bad_alloc&) {
        fail(StatusCode::OutOfMemory, operation);
    }
    return m_status.ok();
}

template <typename Body>
void CpuBackend::parallel(std::int64_t tasks, const Body& body) {
    const auto unlessStopped = [&](int task, int worker) {
        if (!m_stop.stop_requested()) body(task, worker);
    };
    m_pool.run(static_cast<int>(tasks), unlessStopped);
}

template <typename Body>
void CpuBackend::overRows(std::int64_t rows, std::int64_t elementsPerRow, const Body& body) {
    const std::int64_t elements = rows * elementsPerRow;
    if (elements < 2 * kElementsWorthSharing || m_pool.threads() == 1) {
        body(std::int64_t{0}, rows);
        return;
    }
    const std::int64_t pieces = std::min({rows, elements / kElementsWorthSharing, std::int64_t{4} * m_pool.threads()});
    parallel(pieces, [&](int piece, int) { body(rows * piece / pieces, rows * (piece + 1) / pieces); });
}

} // namespace hearth::kernels
