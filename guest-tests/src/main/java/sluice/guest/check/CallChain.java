package sluice.guest.check;

import java.util.List;
import java.util.stream.Collectors;

/** Functions of a guest's kernel that called each other, as text. */
final class CallChain {
    /** Functions that fit into a line. */
    private static final int SHOWN = 10;

    private CallChain() {}

    /** In one line, innermost first, without places in the functions; the outermost of a long one are left out. */
    static String line(List<String> functions) {
        String line = functions.stream().limit(SHOWN)
                .map(function -> function.replaceFirst("\\+0x[0-9a-f]+/0x[0-9a-f]+", ""))
                .collect(Collectors.joining(" < "));
        return functions.size() <= SHOWN ? line : line + " < and %d more".formatted(functions.size() - SHOWN);
    }
}
