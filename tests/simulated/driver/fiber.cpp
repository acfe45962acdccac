// Contexts: by hand where that is known, through the C library's otherwise.
#include "fiber.h"

#ifdef __x86_64__
extern "C" void simulated_switch(void** save, void* stack);
// What a function must leave as it was goes to the old stack and comes from the new one.
asm(R"(
.text
.globl simulated_switch
.hidden simulated_switch
simulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

void make_context(Context& context, char* stack, size_t bytes, void (*start)()) {
    // Where `start` begins, the stack is off by one word from a multiple of 16, as after a call.
    void** top = (void**)(((size_t)stack + bytes) & ~(size_t)15);
    *--top = nullptr;
    *--top = (void*)start;
    for (int i = 0; i < 6; i++) {
        *--top = nullptr;
    }
    context.stack = top;
}

void switch_context(Context& from, Context& to) { simulated_switch(&from.stack, to.stack); }
#else
void make_context(Context& context, char* stack, size_t bytes, void (*start)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = bytes;
    context.uc_link = nullptr;
    makecontext(&context, start, 0);
}

void switch_context(Context& from, Context& to) { swapcontext(&from, &to); }
#endif
