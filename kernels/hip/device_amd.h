// SPDX-License-Identifier: Apache-2.0
//
// device.h on AMD: clang's HIP mode without any HIP or device library header, so that clang-19 and lld-19 alone build it.
// Builtins: LLVM, "User Guide for AMDGPU Backend" and clang's BuiltinsAMDGPU.def.
#pragma once

#if !defined(__AMDGCN__)
#error "device code only: compile with --cuda-device-only"
#endif

#define HEARTH_DEVICE static __attribute__((device)) __attribute__((always_inline)) inline
#define HEARTH_METHOD __attribute__((device)) __attribute__((always_inline)) inline
#define HEARTH_SHARED __attribute__((shared))
// Left alone, the scheduler takes all registers there are to hoist loads, and spills. This many waves a SIMD must fit.
#if defined(__GFX9__)
#define HEARTH_WAVES 2
#else
#define HEARTH_WAVES 6
#endif
/// Kernels that live on registers and shared memory rather than on many waves.
#if defined(__GFX9__)
#define HEARTH_BIG_WAVES 1
#else
#define HEARTH_BIG_WAVES 2
#endif
#define HEARTH_BIG_KERNEL(name, Args, threads)                                                                                            \
    extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(threads, threads)))                                     \
    __attribute__((amdgpu_waves_per_eu(HEARTH_BIG_WAVES))) void name(const Args args)
#define HEARTH_KERNEL(name, Args, threads)                                                                                                \
    extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(threads, threads)))                                     \
    __attribute__((amdgpu_waves_per_eu(HEARTH_WAVES))) void name(const Args args)
/// Waves of two blocks of 512 threads are fewer than HEARTH_WAVES a SIMD: nothing more to ask for.
#define HEARTH_FULL_KERNEL(name, Args, threads) HEARTH_KERNEL(name, Args, threads)

// Families by their ISA.
#if defined(__gfx1100__) || defined(__gfx1101__) || defined(__gfx1102__) || defined(__gfx1103__) || defined(__gfx1150__) ||                 \
    defined(__gfx1151__)
#define HEARTH_WMMA_GFX11 1
#elif defined(__gfx1200__) || defined(__gfx1201__)
#define HEARTH_WMMA_GFX12 1
#elif defined(__gfx908__) || defined(__gfx90a__) || defined(__gfx942__)
#define HEARTH_MFMA 1
#endif
#if defined(HEARTH_WMMA_GFX11) || defined(HEARTH_WMMA_GFX12)
#define HEARTH_SUDOT4 1
#elif defined(__gfx906__) || defined(HEARTH_MFMA) || defined(__gfx1012__) || defined(__gfx1030__) || defined(__gfx1031__) ||                \
    defined(__gfx1032__) || defined(__gfx1034__) || defined(__gfx1035__) || defined(__gfx1036__)
#define HEARTH_SDOT4 1
#endif
#if defined(HEARTH_SDOT4)
#define HEARTH_FDOT2 1
#endif

namespace hearth::kernels {

#if defined(__GFX9__)
constexpr int kWaveSize = 64;
#else
constexpr int kWaveSize = 32;
#endif
#if defined(__gfx900__) || defined(__gfx906__) || defined(__gfx1010__)
constexpr int kLoadsInFlight = 3; // few registers at HEARTH_WAVES waves, on two of them some taken by dot products in plain code
#else
constexpr int kLoadsInFlight = 4;
#endif

struct alignas(16) Int4 {
    int x, y, z, w;
};
struct alignas(8) Int2 {
    int x, y;
};
struct alignas(16) Float4 {
    float x, y, z, w;
};

HEARTH_DEVICE int threadInBlock() {
    return static_cast<int>(__builtin_amdgcn_workitem_id_x());
}
HEARTH_DEVICE int blockX() {
    return static_cast<int>(__builtin_amdgcn_workgroup_id_x());
}
HEARTH_DEVICE int blockY() {
    return static_cast<int>(__builtin_amdgcn_workgroup_id_y());
}
HEARTH_DEVICE int blockZ() {
    return static_cast<int>(__builtin_amdgcn_workgroup_id_z());
}
/// Blocks in x: the implicit arguments of code object version 5 begin with the three block counts.
HEARTH_DEVICE int gridX() {
    return static_cast<const int*>(static_cast<const void*>(__builtin_amdgcn_implicitarg_ptr()))[0];
}

HEARTH_DEVICE void blockBarrier() {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

HEARTH_DEVICE int laneId() {
#if defined(__GFX9__)
    return static_cast<int>(__builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u)));
#else
    return static_cast<int>(__builtin_amdgcn_mbcnt_lo(~0u, 0u));
#endif
}
HEARTH_DEVICE int shuffle(int value, int lane) {
    return __builtin_amdgcn_ds_bpermute(lane << 2, value);
}
HEARTH_DEVICE float shuffle(float value, int lane) {
    return floatFromBits(static_cast<std::uint32_t>(shuffle(static_cast<int>(bitsOfFloat(value)), lane)));
}
HEARTH_DEVICE int shuffleXor(int value, int mask) {
    return shuffle(value, laneId() ^ mask);
}
HEARTH_DEVICE float shuffleXor(float value, int mask) {
    return shuffle(value, laneId() ^ mask);
}
HEARTH_DEVICE std::uint64_t waveBallot(bool value) {
#if defined(__GFX9__)
    return __builtin_amdgcn_ballot_w64(value);
#else
    return __builtin_amdgcn_ballot_w32(value);
#endif
}

HEARTH_DEVICE int dot4(int a, int b, int c) {
#if defined(HEARTH_SUDOT4)
    return __builtin_amdgcn_sudot4(true, a, true, b, c, false);
#elif defined(HEARTH_SDOT4)
    return __builtin_amdgcn_sdot4(a, b, c, false);
#else
    c += static_cast<std::int8_t>(a) * static_cast<std::int8_t>(b);
    c += static_cast<std::int8_t>(a >> 8) * static_cast<std::int8_t>(b >> 8);
    c += static_cast<std::int8_t>(a >> 16) * static_cast<std::int8_t>(b >> 16);
    return c + (a >> 24) * (b >> 24);
#endif
}

/// Four bytes of 0 ... 15, each replaced by that byte of the 16 in t0 ... t3.
HEARTH_DEVICE int lookUpBytes(int t0, int t1, int t2, int t3, int indices) {
    const int within = indices & 0x07070707;
    const int low = static_cast<int>(__builtin_amdgcn_perm(static_cast<unsigned>(t1), static_cast<unsigned>(t0), static_cast<unsigned>(within)));
    const int high = static_cast<int>(__builtin_amdgcn_perm(static_cast<unsigned>(t3), static_cast<unsigned>(t2), static_cast<unsigned>(within)));
    const int mask = (indices >> 3 & 0x01010101) * 255;
    return (low & ~mask) | (high & mask);
}

HEARTH_DEVICE float halfBitsToFloat(std::uint16_t bits) {
    return static_cast<float>(__builtin_bit_cast(_Float16, bits));
}
HEARTH_DEVICE std::uint16_t floatToHalfBits(float value) {
    return __builtin_bit_cast(std::uint16_t, static_cast<_Float16>(value));
}
HEARTH_DEVICE float exp2Of(float x) {
    // The instruction flushes subnormal results; what follows here never needs them.
    return __builtin_amdgcn_exp2f(x);
}
HEARTH_DEVICE float logOf(float x) {
    return __builtin_amdgcn_logf(x) * 0.693147180559945309f; // the instruction is log2
}
HEARTH_DEVICE float reciprocal(float x) {
    return __builtin_amdgcn_rcpf(x);
}
HEARTH_DEVICE float inverseSqrt(float x) {
    return __builtin_amdgcn_rsqf(x);
}
HEARTH_DEVICE float squareRoot(float x) {
    return __builtin_amdgcn_sqrtf(x);
}
HEARTH_DEVICE float fusedMultiplyAdd(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
HEARTH_DEVICE float roundToEven(float x) {
    return __builtin_rintf(x);
}

HEARTH_DEVICE Int4 loadOnce(const Int4* from) {
    using Vector = int __attribute__((ext_vector_type(4)));
    const Vector v = __builtin_nontemporal_load(static_cast<const Vector*>(static_cast<const void*>(from)));
    return {v.x, v.y, v.z, v.w};
}

/// Field by field: a copy of the whole struct would keep its variable in memory.
HEARTH_DEVICE Int4 loadFields(const Int4* from) {
    using Vector = int __attribute__((ext_vector_type(4)));
    const Vector v = *static_cast<const Vector*>(static_cast<const void*>(from));
    return {v.x, v.y, v.z, v.w};
}
HEARTH_DEVICE void storeFields(Int4* to, const Int4& value) {
    using Vector = int __attribute__((ext_vector_type(4)));
    *static_cast<Vector*>(static_cast<void*>(to)) = Vector{value.x, value.y, value.z, value.w};
}

HEARTH_DEVICE int atomicAddTo(int* target, int value) {
    return __hip_atomic_fetch_add(target, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
}
HEARTH_DEVICE void schedulingFence() {
    __builtin_amdgcn_sched_barrier(0);
}
HEARTH_DEVICE void deviceFence() {
    __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent");
}

// --- matrix tiles ------------------------------------------------------------------------------------------------------
constexpr int kAccumulators = 256 / kWaveSize;
#if defined(HEARTH_WMMA_GFX11) || defined(HEARTH_WMMA_GFX12) || defined(HEARTH_MFMA)
constexpr int kMatrixUnroll = 4; ///< steps of 16 columns unrolled in a product's inner loop
#else
constexpr int kMatrixUnroll = 1;
#endif
struct FragmentC {
    float v[kAccumulators];
};

#if defined(HEARTH_WMMA_GFX11)
using Half16 = _Float16 __attribute__((ext_vector_type(16)));
using Float8 = float __attribute__((ext_vector_type(8)));
struct FragmentA {
    Half16 v;
};
using FragmentB = FragmentA;
HEARTH_DEVICE void loadFragment(FragmentA& fragment, const std::uint16_t* tile, int stride) {
    const std::uint16_t* row = tile + laneId() % 16 * stride;
    __builtin_memcpy(&fragment.v, __builtin_assume_aligned(row, 16), 32);
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b) {
    Float8 sum;
    __builtin_memcpy(&sum, c.v, sizeof sum);
    sum = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a.v, b.v, sum);
    __builtin_memcpy(c.v, &sum, sizeof sum);
}
HEARTH_DEVICE int rowOf(int i) {
    return 2 * i + laneId() / 16;
}
HEARTH_DEVICE int colOf(int) {
    return laneId() % 16;
}
#elif defined(HEARTH_WMMA_GFX12)
using Half8 = _Float16 __attribute__((ext_vector_type(8)));
using Float8 = float __attribute__((ext_vector_type(8)));
struct FragmentA {
    Half8 v;
};
using FragmentB = FragmentA;
HEARTH_DEVICE void loadFragment(FragmentA& fragment, const std::uint16_t* tile, int stride) {
    const std::uint16_t* row = tile + laneId() % 16 * stride + laneId() / 16 * 8;
    __builtin_memcpy(&fragment.v, __builtin_assume_aligned(row, 16), 16);
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b) {
    Float8 sum;
    __builtin_memcpy(&sum, c.v, sizeof sum);
    sum = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(a.v, b.v, sum);
    __builtin_memcpy(c.v, &sum, sizeof sum);
}
HEARTH_DEVICE int rowOf(int i) {
    return laneId() / 16 * 8 + i;
}
HEARTH_DEVICE int colOf(int) {
    return laneId() % 16;
}
#elif defined(HEARTH_MFMA)
using Half4 = _Float16 __attribute__((ext_vector_type(4)));
using MfmaFloat4 = float __attribute__((ext_vector_type(4)));
struct FragmentA {
    Half4 v;
};
using FragmentB = FragmentA;
HEARTH_DEVICE void loadFragment(FragmentA& fragment, const std::uint16_t* tile, int stride) {
    const std::uint16_t* row = tile + laneId() % 16 * stride + laneId() / 16 * 4;
    __builtin_memcpy(&fragment.v, __builtin_assume_aligned(row, 8), 8);
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b) {
    MfmaFloat4 sum;
    __builtin_memcpy(&sum, c.v, sizeof sum);
    sum = __builtin_amdgcn_mfma_f32_16x16x16f16(a.v, b.v, sum, 0, 0, 0);
    __builtin_memcpy(c.v, &sum, sizeof sum);
}
HEARTH_DEVICE int rowOf(int i) {
    return laneId() / 16 * 4 + i;
}
HEARTH_DEVICE int colOf(int) {
    return laneId() % 16;
}
#else
// No matrix unit: a lane owns one row of A and kAccumulators rows of B, and reads both from shared memory.
struct FragmentA {
    const std::uint16_t* tile;
    int stride;
};
struct FragmentB {
    const std::uint16_t* tile;
    int stride;
};
template <typename Fragment>
HEARTH_DEVICE void loadFragment(Fragment& fragment, const std::uint16_t* tile, int stride) {
    fragment.tile = tile;
    fragment.stride = stride;
}
HEARTH_DEVICE int rowOf(int) {
    return laneId() % 16;
}
HEARTH_DEVICE int colOf(int i) {
    return laneId() / 16 * kAccumulators + i;
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b) {
    using Half2 = _Float16 __attribute__((ext_vector_type(2)));
    Half2 row[8];
    asm volatile("" ::: "memory");
    __builtin_memcpy(row, __builtin_assume_aligned(a.tile + rowOf(0) * a.stride, 16), sizeof row);
    const std::uint16_t* from = b.tile + colOf(0) * b.stride;
#pragma unroll
    for (int i = 0; i < kAccumulators; ++i) {
        Half2 other[8];
        __builtin_memcpy(other, __builtin_assume_aligned(from + i * b.stride, 16), sizeof other);
        float sum = c.v[i];
#pragma unroll
        for (int k = 0; k < 8; ++k) {
#if defined(HEARTH_FDOT2)
            sum = __builtin_amdgcn_fdot2(row[k], other[k], sum, false);
#else
            sum += static_cast<float>(row[k].x) * static_cast<float>(other[k].x);
            sum += static_cast<float>(row[k].y) * static_cast<float>(other[k].y);
#endif
        }
        c.v[i] = sum;
        // Keeps the scheduler from loading all rows of B at once, which would cost more registers than there are.
        asm volatile("" ::: "memory");
    }
}
#endif

} // namespace hearth::kernels
