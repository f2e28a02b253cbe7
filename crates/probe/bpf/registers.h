/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers that the recorder reads, by architecture: __TARGET_ARCH_x86 or __TARGET_ARCH_arm64, as libbpf names them.
 *
 * Go's calling convention (cmd/compile/abi-internal.md) passes the first arguments in RAX, RBX on amd64, in R0, R1 on
 * arm64. Both keep a frame pointer (RBP, R29) that points to the caller's frame pointer and, in the word after it, the
 * address to return to.
 */
#if defined(__TARGET_ARCH_x86)

/* Source: arch/x86/include/asm/ptrace.h */
struct pt_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
};
#define PC(of) ((of)->rip)
#define SP(of) ((of)->rsp)
#define FP(of) ((of)->rbp)
#define ARG_0(of) ((of)->rax)
#define ARG_1(of) ((of)->rbx)
#define IS_USER_MODE(of) (((of)->cs & 3) == 3)
/* Whether `jbe`, the branch of the stack check, is taken: carry or zero. */
#define STACK_IS_TOO_SMALL(of) (((of)->eflags & 0x41) != 0)
/* Where a function without a frame returns to: at the top of the stack. */
#define READ_RETURN_ADDRESS(to, of) READ(to, SP(of))

#elif defined(__TARGET_ARCH_arm64)

/* Source: arch/arm64/include/uapi/asm/ptrace.h, struct user_pt_regs, with which struct pt_regs of the kernel begins. */
struct pt_regs { u64 regs[31], sp, pc, pstate; };
#define PC(of) ((of)->pc)
#define SP(of) ((of)->sp)
#define FP(of) ((of)->regs[29])
#define ARG_0(of) ((of)->regs[0])
#define ARG_1(of) ((of)->regs[1])
/* PSR_MODE_MASK and PSR_MODE32_BIT are 0: AArch64 at EL0. */
#define IS_USER_MODE(of) (((of)->pstate & 0x1f) == 0)
/* Whether `b.ls`, the branch of the stack check, is taken: carry clear, or zero. */
enum { PSTATE_C = 1 << 29, PSTATE_Z = 1 << 30 };
#define STACK_IS_TOO_SMALL(of) (((of)->pstate & (PSTATE_C | PSTATE_Z)) != PSTATE_C)
/* Where a function without a frame returns to: in the link register. */
#define READ_RETURN_ADDRESS(to, of) ((to) = (of)->regs[30], 1)

#else
#error "registers.h does not know this architecture"
#endif
