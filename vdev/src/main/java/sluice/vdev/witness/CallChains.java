package sluice.vdev.witness;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Call chains of a guest's kernel, by the numbers that its module gives them. A line that is no function of a kernel, as printk's
 * {@code %pS} writes it, is dropped, as are those of the tracing itself.
 */
final class CallChains {
    /** As many as the module sends. */
    static final int MOST_CHAINS = 512;
    /** Functions of a chain. */
    static final int MOST_LINES = 20;
    private static final int MOST_CHARACTERS = 160;
    private static final Pattern FUNCTION = Pattern
            .compile("[\\w.]{1,120}\\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}( \\[[\\w-]{1,32}\\])?");
    private static final Pattern TRACING = Pattern
            .compile(
                    "ftrace_(trampoline|caller|regs_caller|call|regs_call)\\+.*|__traceiter_.*|__probestub_.*|arch_ftrace_.*");

    private final Map<Integer, String> chains = new HashMap<>();

    /** Keeps one; a number that has one already, or is none, is ignored. */
    void add(int number, String text) {
        if (number < 1 || number > MOST_CHAINS) return;
        chains.putIfAbsent(number, text.lines().filter(line -> line.length() <= MOST_CHARACTERS)
                .filter(line -> FUNCTION.matcher(line).matches() && !TRACING.matcher(line).matches())
                .limit(MOST_LINES).collect(Collectors.joining("\n")));
    }

    /** The functions of a chain, one a line, innermost first; empty if there is none. */
    String get(int number) {
        return chains.getOrDefault(number, "");
    }

    void clear() {
        chains.clear();
    }
}
