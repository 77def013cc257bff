package sluice.vdev.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

import org.HdrHistogram.AbstractHistogram;
import org.jspecify.annotations.Nullable;

/**
 * What a device tells of itself: numbers that are registered once, when it is made, and read whenever somebody wants to know, on
 * any thread. Whoever reads decides on the form: a JSON file, a log line, a page.
 *
 * <p>A name is a path of words in camel case with dots between, such as {@code copiedBytes.transfer}; each is registered once.
 * What is registered must be readable on any thread without a lock: a {@link Counter}, an atomic histogram.
 */
public final class Report {
    /** What a number is. */
    public enum Kind {
        /** It only grows. */
        COUNTER,
        /** It goes up and down. */
        GAUGE
    }

    /** One registered quantity. */
    public sealed interface Metric {
        /** A path of words with dots between. */
        String name();

        /** What it is counted in, such as {@code bytes} or {@code frames}. */
        String unit();

        /** One line. */
        String help();
    }

    /** A number. */
    public record Single(String name, String unit, String help, Kind kind, LongSupplier value) implements Metric {}

    /**
     * A number for each of several labels; those that are 0 need not be shown.
     *
     * @param values by label
     */
    public record Labelled(String name, String unit, String help, Map<String, LongSupplier> values) implements Metric {}

    /**
     * A distribution for each of several labels; those without a value need not be shown.
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

    private final Map<String, Metric> metrics = new LinkedHashMap<>();

    /** Registers a number that only grows. */
    public void counter(String name, String unit, String help, LongSupplier value) {
        add(new Single(name, unit, help, Kind.COUNTER, value));
    }

    /** Registers a number that goes up and down. */
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

    /** @throws IllegalArgumentException there is one of this name already, or the name is none */
    private synchronized void add(Metric metric) {
        if (!metric.name().matches("[a-zA-Z][a-zA-Z0-9]*(\\.[a-zA-Z][a-zA-Z0-9]*)*"))
            throw new IllegalArgumentException(
                    "\"%s\" is not a path of words separated by dots".formatted(metric.name()));
        @Nullable
        Metric before = metrics.putIfAbsent(metric.name(), metric);
        if (before != null) throw new IllegalArgumentException(metric.name() + " is registered twice");
    }

    /** All that is registered, in the order in which it was. */
    public synchronized List<Metric> metrics() {
        return new ArrayList<>(metrics.values());
    }
}
