package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/** Reads KTAP as strictly as its document is written, but for unknown lines: we print none. */
final class KtapLines {
    private static final Pattern RESULT = Pattern.compile("(ok|not ok) (\\d+) ([^#]+?)(?: # ([A-Z]+) ?(.*))?");

    private final List<String> lines;
    private int next;

    /**
     * A test.
     *
     * @param directive empty for none
     * @param diagnostics lines before its result, after that of the test before
     */
    record Test(boolean ok, String name, String directive, String text, List<String> diagnostics,
            List<Test> subtests) {}

    private KtapLines(List<String> lines) {
        this.lines = lines;
    }

    static List<Test> read(String ktap) {
        if (!ktap.endsWith("\n")) throw new AssertionError("the last line has no end");
        KtapLines lines = new KtapLines(ktap.lines().toList());
        List<Test> tests = lines.level("");
        if (lines.next != lines.lines.size()) throw new AssertionError("more lines: " + lines.peek());
        return tests;
    }

    private List<Test> level(String indent) {
        expect(indent + "KTAP version 1");
        List<String> diagnostics = diagnostics(indent);
        String plan = take();
        if (!plan.startsWith(indent + "1..")) throw new AssertionError("no plan: " + plan);
        int count = Integer.parseInt(plan.substring(indent.length() + "1..".length()));
        List<Test> tests = new ArrayList<>();
        while (tests.size() < count) {
            diagnostics = diagnostics(indent);
            List<Test> subtests = List.of();
            if ((indent + "  KTAP version 1").equals(peek())) subtests = level(indent + "  ");
            diagnostics.addAll(diagnostics(indent));
            String line = take();
            Matcher result = RESULT.matcher(line.substring(Math.min(indent.length(), line.length())));
            if (!line.startsWith(indent) || !result.matches()) throw new AssertionError("no result: " + line);
            if (Integer.parseInt(result.group(2)) != tests.size() + 1) throw new AssertionError("number: " + line);
            tests.add(new Test("ok".equals(result.group(1)), result.group(3), text(result.group(4)),
                    text(result.group(5)), diagnostics, subtests));
        }
        return tests;
    }

    private static String text(@Nullable String group) {
        return group == null ? "" : group;
    }

    private List<String> diagnostics(String indent) {
        List<String> found = new ArrayList<>();
        for (String line = peek(); line != null && line.startsWith(indent + "# "); line = peek()) {
            found.add(take().substring(indent.length() + 2));
        }
        return found;
    }

    private void expect(String line) {
        String found = take();
        if (!line.equals(found)) throw new AssertionError("not %s: %s".formatted(line, found));
    }

    private String take() {
        String line = peek();
        if (line == null) throw new AssertionError("it ends early");
        next++;
        return line;
    }

    private @Nullable String peek() {
        return next < lines.size() ? lines.get(next) : null;
    }
}
