// SPDX-License-Identifier: Apache-2.0
//
// DynamicLibrary: a shared library opened by name, and its functions. Never closed again: GPU drivers do not survive that.
// Thread: any, one at a time.
#pragma once

#include "kernels/gpu_reason.h"

#include <initializer_list>
#include <string>

namespace hearth::kernels {

/// Why a runtime could not be opened.
struct RuntimeFailure {
    GpuReason reason = GpuReason::Ok; ///< RuntimeMissing, RuntimeTooOld, NoDevice, NoPermission, DriverError
    std::string library;              ///< the file, as far as one was opened
    std::string detail;               ///< the missing symbol, or the loader's own message
    int raw = 0;                      ///< the runtime's code
};

class DynamicLibrary {
public:
    /// Tries the names in order.
    [[nodiscard]] bool open(std::initializer_list<const char*> names);
    [[nodiscard]] std::string file() const; ///< the resolved path
    /// What the dynamic loader said of a library that is there but cannot be loaded; empty when none is there.
    [[nodiscard]] const std::string& complaint() const { return m_complaint; }

    /// False leaves `function` null.
    template <class Function>
    bool find(Function*& function, const char* name) const {
        function = reinterpret_cast<Function*>(symbol(name));
        return function != nullptr;
    }
    /// Like find; the first name that is missing is kept in `missing`.
    template <class Function>
    void require(Function*& function, const char* name, std::string& missing) const {
        if (!find(function, name) && missing.empty()) missing = name;
    }

private:
    [[nodiscard]] void* symbol(const char* name) const;

    void* m_handle = nullptr;
    std::string m_complaint;
};

} // namespace hearth::kernels
