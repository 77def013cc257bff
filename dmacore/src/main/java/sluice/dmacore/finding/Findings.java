package sluice.dmacore.finding;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Collects findings: equal ones from the same location once, with a count and the ranges of bytes. Thread-safe.
 *
 * <p>Bounded, because a guest can cause findings without limit; beyond the limit findings are only counted.
 */
public final class Findings {
    /** Limit of different findings. */
    public static final int CAPACITY = 1024;
    private static final String OWN = "sluice.dmacore.";
    private static final StackWalker WALKER = StackWalker.getInstance();
    private static final ScopedValue<Site> SITE = ScopedValue.newInstance();

    /** A range of bytes of a buffer. */
    public record Range(long from, long length) {
        /** The end of the range, exclusive. */
        public long end() {
            return from + length;
        }

        @Override
        public String toString() {
            return "[0x%x, 0x%x]".formatted(from, from + length - 1);
        }
    }

    /**
     * A finding at its first occurrence, with the number of occurrences.
     *
     * @param ranges its ranges, ordered and without overlaps; at most 16
     * @param rangesBeyond occurrences in further ranges, which were not kept
     */
    public record Counted(Finding finding, long times, List<Range> ranges, long rangesBeyond) {
        /** One line for a person. */
        @Override
        public String toString() {
            StringBuilder line = new StringBuilder(times == 1 ? "" : times + " times ").append(finding);
            if (ranges.size() > 1) {
                line.append("; of ").append(ranges.stream().map(Range::toString).collect(Collectors.joining(", ")));
                if (rangesBeyond > 0) line.append(" and others");
            }
            return line.toString();
        }
    }

    /** Receives every occurrence of every finding. */
    @FunctionalInterface
    public interface Follower {
        /** Called for one occurrence; must not wait. */
        void found(Rule rule, Subject subject, long from, long length);
    }

    /** An action that may throw. */
    @FunctionalInterface
    public interface Action<X extends Exception> {
        void run() throws X;
    }

    /** A location in another program, and its call chain as in {@link Finding}. */
    private record Site(String text, String chain) {}

    private record Key(Rule rule, String device, String buffer, String site) {}

    private static final class Entry {
        final Finding first;
        final FoundRanges ranges = new FoundRanges();
        long times;

        Entry(Finding first) {
            this.first = first;
        }

        void count(Finding finding) {
            times++;
            ranges.add(finding.from(), finding.length());
        }

        Counted counted() {
            return new Counted(first, times, ranges.kept(), ranges.beyond());
        }
    }

    private final Map<Key, Entry> entries = new LinkedHashMap<>();
    private long beyond;
    private Predicate<String> devices = device -> true;
    private Consumer<Finding> listener = finding -> {};
    private Follower follower = (rule, subject, from, length) -> {};

    /** Keeps only later findings of these devices, and those without a device. */
    public synchronized void only(Predicate<String> wanted) {
        devices = wanted;
    }

    /** Adds a listener, called at the first occurrence of each finding on the reporting thread; must not wait. */
    public synchronized void listen(Consumer<Finding> told) {
        listener = listener.andThen(told);
    }

    /** Adds a follower, called at each occurrence on the reporting thread. */
    public synchronized void follow(Follower told) {
        Follower before = follower;
        follower = (rule, subject, from, length) -> {
            before.found(rule, subject, from, length);
            told.found(rule, subject, from, length);
        };
    }

    /** As {@link #add(Rule, Subject, long, long, String)}, for a subject without numbers. */
    public void add(Rule rule, String device, String buffer, long from, long length, String what) {
        add(rule, new Subject(device, 0, buffer, 0), from, length, what);
    }

    /**
     * Adds a finding; the parameters are those of {@link Finding}. Its location is the innermost stack frame outside
     * the core, unless set by {@link #at}.
     */
    public void add(Rule rule, Subject subject, long from, long length, String what) {
        String device = subject.device();
        Finding finding = new Finding(rule, device, subject.buffer(), from, length, what, site(),
                SITE.isBound() ? SITE.get().chain : "");
        Follower each;
        synchronized (this) {
            if (!device.isEmpty() && !devices.test(device)) return;
            each = follower;
        }
        each.found(rule, subject, from, length);
        keep(finding);
    }

    private void keep(Finding finding) {
        Consumer<Finding> tell;
        synchronized (this) {
            Key key = new Key(finding.rule(), finding.device(), finding.buffer(), finding.site());
            Entry known = entries.get(key);
            if (known != null) {
                known.count(finding);
                return;
            }
            if (entries.size() == CAPACITY) {
                beyond++;
                return;
            }
            Entry entry = new Entry(finding);
            entry.count(finding);
            entries.put(key, entry);
            tell = listener;
        }
        tell.accept(finding);
    }

    /**
     * Runs an action on behalf of another program, such as a guest's kernel: findings made meanwhile have that
     * program's location.
     *
     * @param site location in the other program
     */
    public static <X extends Exception> void at(String site, Action<X> action) throws X {
        at(site, "", action);
    }

    /**
     * The same with a call chain.
     *
     * @param chain innermost function first, one a line; empty if unknown
     */
    public static <X extends Exception> void at(String site, String chain, Action<X> action) throws X {
        ScopedValue.where(SITE, new Site(site, chain)).call(() -> {
            action.run();
            return true;
        });
    }

    private static String site() {
        if (SITE.isBound()) return SITE.get().text;
        Optional<StackWalker.StackFrame> outside = WALKER.walk(frames -> frames
                .filter(frame -> !frame.getClassName().startsWith(OWN) || isTest(frame.getClassName()))
                .findFirst());
        return outside.map(frame -> "%s.%s:%d".formatted(frame.getClassName(), frame.getMethodName(),
                frame.getLineNumber())).orElse("unknown");
    }

    /** Our own tests share our package names. */
    private static boolean isTest(String className) {
        return className.endsWith("Test") || className.contains("Test$");
    }

    /** All findings in the order of their first occurrence. */
    public synchronized List<Counted> all() {
        List<Counted> all = new ArrayList<>(entries.size());
        for (Entry entry : entries.values()) all.add(entry.counted());
        return all;
    }

    /** The findings of severity ERROR. */
    public List<Finding> errors() {
        return all().stream().map(Counted::finding)
                .filter(finding -> finding.rule().severity() == Rule.Severity.ERROR).toList();
    }

    /** Number of violations of a rule. */
    public long times(Rule rule) {
        return all().stream().filter(counted -> counted.finding().rule() == rule).mapToLong(Counted::times).sum();
    }

    /** Findings beyond the limit. */
    public synchronized long beyondCapacity() {
        return beyond;
    }

    /** Removes all findings. */
    public synchronized void clear() {
        entries.clear();
        beyond = 0;
    }

    /** One line for each, errors first; empty if there are none. */
    public String report() {
        String lines = all().stream()
                .sorted((a, b) -> a.finding().rule().severity().compareTo(b.finding().rule().severity()))
                .map(Counted::toString)
                .collect(Collectors.joining("\n"));
        long unkept = beyondCapacity();
        return unkept == 0 ? lines : lines + "\nand " + unkept + " more, which were not kept";
    }
}
