package sluice.vdev.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import org.HdrHistogram.AbstractHistogram;
import org.jspecify.annotations.Nullable;

/**
 * A device's metrics: registered once, at its creation, and read on any thread. The reader decides on the format: a
 * JSON file, a log line, a page.
 *
 * <p>A name is a path of words in camel case with dots between, such as {@code copiedBytes.transfer}; each is registered once.
 * Values must be readable on any thread without a lock: a {@link Counter}, an atomic histogram.
 */
public final class Report {
    /** Kinds of numbers. */
    public enum Kind {
        /** Monotonic. */
        COUNTER,
        /** May increase and decrease. */
        GAUGE
    }

    /** One registered quantity. */
    public sealed interface Metric {
        /** A path of words with dots between. */
        String name();

        /** The unit, such as {@code bytes} or {@code frames}. */
        String unit();

        /** A description in one line. */
        String help();
    }

    /** A number. */
    public record Single(String name, String unit, String help, Kind kind, LongSupplier value) implements Metric {}

    /**
     * A number for each of several labels; zeros may be omitted.
     *
     * @param values by label
     */
    public record Labelled(String name, String unit, String help, Map<String, LongSupplier> values) implements Metric {}

    /**
     * A distribution for each of several labels; empty ones may be omitted.
     *
     * @param values by label, in nanoseconds; such as an {@link org.HdrHistogram.AtomicHistogram}, which may be read while it is
     *        written
     */
    public record Distributions(String name, String help, Map<String, AbstractHistogram> values) implements Metric {
        @Override
        public String unit() {
            return "nanoseconds";
        }
    }

    /**
     * A list of things that are no numbers, each with named fields: texts and numbers.
     *
     * @param rows from the oldest to the latest, bounded
     */
    public record Rows(String name, String help, Supplier<List<Map<String, Object>>> rows) implements Metric {
        @Override
        public String unit() {
            return "rows";
        }
    }

    private final Map<String, Metric> metrics = new LinkedHashMap<>();

    /** Registers a monotonic counter. */
    public void counter(String name, String unit, String help, LongSupplier value) {
        add(new Single(name, unit, help, Kind.COUNTER, value));
    }

    /** Registers a gauge. */
    public void gauge(String name, String unit, String help, LongSupplier value) {
        add(new Single(name, unit, help, Kind.GAUGE, value));
    }

    /** Registers a number for each label. */
    public void counters(String name, String unit, String help, Map<String, LongSupplier> values) {
        add(new Labelled(name, unit, help, new LinkedHashMap<>(values)));
    }

    /** Registers a distribution of times for each label. */
    public void distributions(String name, String help, Map<String, AbstractHistogram> values) {
        add(new Distributions(name, help, new LinkedHashMap<>(values)));
    }

    /** Registers a list; {@code rows} is called on any thread. */
    public void rows(String name, String help, Supplier<List<Map<String, Object>>> rows) {
        add(new Rows(name, help, rows));
    }

    /** @throws IllegalArgumentException the name is registered already, or is invalid */
    private synchronized void add(Metric metric) {
        if (!metric.name().matches("[a-zA-Z][a-zA-Z0-9]*(\\.[a-zA-Z][a-zA-Z0-9]*)*"))
            throw new IllegalArgumentException(
                    "\"%s\" is not a path of words separated by dots".formatted(metric.name()));
        @Nullable
        Metric before = metrics.putIfAbsent(metric.name(), metric);
        if (before != null) throw new IllegalArgumentException(metric.name() + " is registered twice");
    }

    /** All metrics, in order of registration. */
    public synchronized List<Metric> metrics() {
        return new ArrayList<>(metrics.values());
    }
}
