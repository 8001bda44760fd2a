// SPDX-License-Identifier: Apache-2.0
//
// The builtins that kernels/hip/device_amd.h is made of, on the executor: so that what no AMD card at hand can run is run all the same, the
// layouts of the matrix instructions above all. Each is written from AMD's documents, not from its use:
//   "RDNA3 Instruction Set Architecture", WMMA, and GPUOpen "How to accelerate AI applications on RDNA 3 using WMMA"
//   "RDNA4 Instruction Set Architecture", WMMA, and GPUOpen "Using the Matrix Cores of AMD RDNA 4 architecture GPUs"
//   "CDNA3 Instruction Set Architecture", MFMA, and ROCm blogs "Programming matrix cores"
//   the same documents' V_PERM_B32, V_DOT4, V_DOT2, DS_BPERMUTE_B32, V_MBCNT
// Included in the middle of a translation unit (executor_kernels.cpp), for clang.
#pragma once

#define __AMDGCN__ 1
#define __HIP_MEMORY_SCOPE_AGENT 4

namespace amd {

using Meeting = ::hearth_executor::Meeting;
using Half2 = _Float16 __attribute__((ext_vector_type(2)));
using Half4 = _Float16 __attribute__((ext_vector_type(4)));
using Half8 = _Float16 __attribute__((ext_vector_type(8)));
using Half16 = _Float16 __attribute__((ext_vector_type(16)));
using Float4 = float __attribute__((ext_vector_type(4)));
using Float8 = float __attribute__((ext_vector_type(8)));

inline ::hearth_executor::Thread& self() {
    return *::hearth_executor::current;
}
inline void meet(Meeting meeting) {
    asm volatile("" ::: "memory");
    ::hearth_executor::meet(meeting, "amd_builtins.h", 0);
    asm volatile("" ::: "memory");
}

inline int bpermute(int address, int value) {
    std::uint32_t* const words = self().wave->words[self().meetings & 1u];
    words[self().lane] = static_cast<std::uint32_t>(value);
    meet(Meeting::Shuffle);
    return static_cast<int>(words[address / 4 & (HEARTH_EXECUTOR_WAVE - 1)]);
}
inline std::uint64_t ballot(bool value) {
    std::uint32_t* const words = self().wave->words[self().meetings & 1u];
    words[self().lane] = value ? 1u : 0u;
    meet(Meeting::Ballot);
    std::uint64_t bits = 0;
    for (int lane = 0; lane < self().wave->lanes; ++lane) bits |= static_cast<std::uint64_t>(words[lane]) << lane;
    return bits;
}
/// Bits of the mask below this lane, in the lower or the upper half of the wave.
inline unsigned countBelow(unsigned mask, unsigned sum, int firstLane) {
    for (int bit = 0; bit < 32; ++bit) sum += (mask >> bit & 1u) != 0 && firstLane + bit < self().lane ? 1u : 0u;
    return sum;
}
inline int dot4(int a, int b, int c) {
    for (int i = 0; i < 32; i += 8) c += static_cast<signed char>(a >> i) * static_cast<signed char>(b >> i);
    return c;
}
/// Bytes 0 to 3 are those of `low`, 4 to 7 those of `high`; device code selects no others.
inline unsigned permuteBytes(unsigned high, unsigned low, unsigned selector) {
    unsigned result = 0;
    for (int i = 0; i < 32; i += 8) {
        const unsigned which = selector >> i & 255u;
        if (which > 7) ::hearth_executor::fail("V_PERM_B32 with a selector that is not a byte's number", "amd_builtins.h", 0);
        result |= ((which < 4 ? low : high) >> (8 * (which & 3u)) & 255u) << i;
    }
    return result;
}
inline float flushed(float x) {
    return __builtin_fabsf(x) < 0x1p-126f ? 0.0f * x : x;
}

struct Matrices {
    std::uint64_t block = 0;
    const ::hearth_executor::Wave* wave = nullptr;
    std::uint32_t meeting = 0;
    float a[16][16]; ///< [row][k]
    float b[16][16]; ///< [column][k]
};
template <typename Layout, int kElements>
inline void gather(Matrices& matrices, const std::byte (*tiles)[::hearth_executor::kTileBytes]) {
    bool set[16][16] = {};
    for (int lane = 0; lane < HEARTH_EXECUTOR_WAVE; ++lane) {
        std::uint16_t own[2][kElements];
        __builtin_memcpy(own, tiles[lane], sizeof own);
        for (int e = 0; e < kElements; ++e) {
            const int row = Layout::row(lane);
            const int k = Layout::k(lane, e);
            const float valueA = ::hearth_executor::halves[own[0][e]];
            const float valueB = ::hearth_executor::halves[own[1][e]];
            // RDNA3 wants both halves of the wave to hold the same.
            if (set[row][k] && (matrices.a[row][k] != valueA || matrices.b[row][k] != valueB))
                ::hearth_executor::fail("the halves of the wave hold different operands", "amd_builtins.h", 0);
            set[row][k] = true;
            matrices.a[row][k] = valueA;
            matrices.b[row][k] = valueB;
        }
    }
}

/// D = A B + C over a wave. Where a lane's registers are: element e of A in row row(lane) at k(lane, e), of B in the column of that number at the
/// same k, of C and D at (resultRow(lane, e), lane % 16).
template <typename Layout, typename Operand, typename Sum>
inline Sum multiply(const Operand& a, const Operand& b, Sum c) {
    constexpr int kBytes = sizeof(Operand);
    static_assert(2 * kBytes <= ::hearth_executor::kTileBytes);
    auto* const tiles = self().wave->tiles[self().meetings & 1u];
    __builtin_memcpy(tiles[self().lane], &a, kBytes);
    __builtin_memcpy(tiles[self().lane] + kBytes, &b, kBytes);
    meet(Meeting::MatrixTile);
    // The first lane that goes on puts the matrices together for all.
    static Matrices matrices;
    if (matrices.block != ::hearth_executor::blocksRun || matrices.wave != self().wave || matrices.meeting != self().meetings) {
        matrices.block = ::hearth_executor::blocksRun;
        matrices.wave = self().wave;
        matrices.meeting = self().meetings;
        gather<Layout, kBytes / 2>(matrices, tiles);
    }
    for (int e = 0; e < static_cast<int>(sizeof(Sum) / sizeof(float)); ++e) {
        const int row = Layout::resultRow(self().lane, e);
        const int column = self().lane % 16;
        for (int k = 0; k < 16; ++k) c[e] += matrices.a[row][k] * matrices.b[column][k];
    }
    return c;
}
struct Gfx11 {
    static int row(int lane) { return lane % 16; }
    static int k(int, int e) { return e; }
    static int resultRow(int lane, int e) { return 2 * e + lane / 16; }
};
struct Gfx12 {
    static int row(int lane) { return lane % 16; }
    static int k(int lane, int e) { return lane / 16 * 8 + e; }
    static int resultRow(int lane, int e) { return lane / 16 * 8 + e; }
};
struct Cdna {
    static int row(int lane) { return lane % 16; }
    static int k(int lane, int e) { return lane / 16 * 4 + e; }
    static int resultRow(int lane, int e) { return lane / 16 * 4 + e; }
};

} // namespace amd

#define __builtin_amdgcn_workitem_id_x() (amd::self().index)
#define __builtin_amdgcn_workgroup_id_x() (::hearth_executor::blockIndex[0])
#define __builtin_amdgcn_workgroup_id_y() (::hearth_executor::blockIndex[1])
#define __builtin_amdgcn_workgroup_id_z() (::hearth_executor::blockIndex[2])
#define __builtin_amdgcn_implicitarg_ptr() (static_cast<const void*>(::hearth_executor::gridSize))
#define __builtin_amdgcn_sched_barrier(mask) static_cast<void>(mask)
#define __builtin_amdgcn_fence(order, scope) static_cast<void>(order)
#define __builtin_amdgcn_s_barrier() amd::meet(amd::Meeting::Barrier)
#define __builtin_amdgcn_mbcnt_lo(mask, sum) amd::countBelow(mask, sum, 0)
#define __builtin_amdgcn_mbcnt_hi(mask, sum) amd::countBelow(mask, sum, 32)
#define __builtin_amdgcn_ds_bpermute(address, value) amd::bpermute(address, value)
#define __builtin_amdgcn_ballot_w32(value) static_cast<std::uint32_t>(amd::ballot(value))
#define __builtin_amdgcn_ballot_w64(value) amd::ballot(value)
#define __builtin_amdgcn_sdot4(a, b, c, clamp) amd::dot4(a, b, c)
#define __builtin_amdgcn_sudot4(aSigned, a, bSigned, b, c, clamp) amd::dot4(a, b, c)
#define __builtin_amdgcn_fdot2(a, b, c, clamp) ((c) + float((a)[0]) * float((b)[0]) + float((a)[1]) * float((b)[1]))
#define __builtin_amdgcn_perm(high, low, selector) amd::permuteBytes(high, low, selector)
#define __builtin_amdgcn_exp2f(x) amd::flushed(__builtin_exp2f(x))
#define __builtin_amdgcn_logf(x) __builtin_log2f(amd::flushed(x))
#define __builtin_amdgcn_rcpf(x) (1.0f / (x))
#define __builtin_amdgcn_rsqf(x) (1.0f / __builtin_sqrtf(x))
#define __builtin_amdgcn_sqrtf(x) __builtin_sqrtf(x)
#define __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, c) amd::multiply<amd::Gfx11>(a, b, c)
#define __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(a, b, c) amd::multiply<amd::Gfx12>(a, b, c)
#define __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, c, x, y, z) amd::multiply<amd::Cdna>(a, b, c)
#define __hip_atomic_fetch_add(target, value, order, scope) ((*(target) += (value)) - (value))
