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
 * Collects findings: the same one from the same place once, with how often it happened and about which bytes. Any thread may
 * add.
 *
 * <p>Bounded: a guest that does wrong in ever new places fills it, and what comes then is counted.
 */
public final class Findings {
    /** Different findings that are kept. */
    public static final int CAPACITY = 1024;
    private static final String OWN = "sluice.dmacore.";
    private static final StackWalker WALKER = StackWalker.getInstance();
    private static final ScopedValue<String> SITE = ScopedValue.newInstance();

    /** Some bytes of a buffer. */
    public record Range(long from, long length) {
        /** The byte behind the last. */
        public long end() {
            return from + length;
        }

        @Override
        public String toString() {
            return "[0x%x, 0x%x]".formatted(from, from + length - 1);
        }
    }

    /**
     * A finding, as it was made for the first time, and how often it was made.
     *
     * @param ranges all ranges that it was made about, without overlaps and in their order; at most 16
     * @param rangesBeyond times that it was made about another, for which there was no room
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

    /** Is told of every single finding, however often the same was made. */
    @FunctionalInterface
    public interface Follower {
        /** One was made; must not wait. */
        void found(Rule rule, Subject subject, long from, long length);
    }

    /** Something that is done. */
    @FunctionalInterface
    public interface Action<X extends Exception> {
        void run() throws X;
    }

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

    /** Keeps only findings of these devices from now on; findings of no device are kept always. */
    public synchronized void only(Predicate<String> wanted) {
        devices = wanted;
    }

    /** Is told, too, of each finding when it is made for the first time, by the thread that made it; must not wait. */
    public synchronized void listen(Consumer<Finding> told) {
        listener = listener.andThen(told);
    }

    /** Is told of each finding each time. There is one follower, the last that was set. */
    public synchronized void follow(Follower told) {
        follower = told;
    }

    /** As {@link #add(Rule, Subject, long, long, String)}, of what has no numbers. */
    public void add(Rule rule, String device, String buffer, long from, long length, String what) {
        add(rule, new Subject(device, 0, buffer, 0), from, length, what);
    }

    /**
     * Adds a finding; the parameters are those of {@link Finding}. Where it was made is the innermost frame that is not of
     * the core itself, unless it is said by {@link #at}.
     */
    public void add(Rule rule, Subject subject, long from, long length, String what) {
        String device = subject.device();
        Finding finding = new Finding(rule, device, subject.buffer(), from, length, what, site());
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
     * Does what another program has asked for: what is found meanwhile was made there, and not where this program carries it out.
     *
     * @param site where it was asked for
     */
    public static <X extends Exception> void at(String site, Action<X> action) throws X {
        ScopedValue.where(SITE, site).call(() -> {
            action.run();
            return true;
        });
    }

    private static String site() {
        if (SITE.isBound()) return SITE.get();
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

    /** All findings in the order they were first made. */
    public synchronized List<Counted> all() {
        List<Counted> all = new ArrayList<>(entries.size());
        for (Entry entry : entries.values()) all.add(entry.counted());
        return all;
    }

    /** The findings that are mistakes. */
    public List<Finding> errors() {
        return all().stream().map(Counted::finding)
                .filter(finding -> finding.rule().severity() == Rule.Severity.ERROR).toList();
    }

    /** How often a rule was broken. */
    public long times(Rule rule) {
        return all().stream().filter(counted -> counted.finding().rule() == rule).mapToLong(Counted::times).sum();
    }

    /** Findings that were not kept because there were too many. */
    public synchronized long beyondCapacity() {
        return beyond;
    }

    /** Forgets all of them. */
    public synchronized void clear() {
        entries.clear();
        beyond = 0;
    }

    /** A line each, the mistakes first; empty if there are none. */
    public String report() {
        String lines = all().stream()
                .sorted((a, b) -> a.finding().rule().severity().compareTo(b.finding().rule().severity()))
                .map(Counted::toString)
                .collect(Collectors.joining("\n"));
        long unkept = beyondCapacity();
        return unkept == 0 ? lines : lines + "\nand " + unkept + " more, which were not kept";
    }
}
