package sluice.vdev.plugin;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/** The given options of one device with their values, in the order given. */
public final class DeviceOptions {
    private final Map<String, List<String>> values = new LinkedHashMap<>();

    /** @param values by the option's name; an option without a value has the empty one */
    public DeviceOptions(Map<String, List<String>> values) {
        values.forEach((name, all) -> this.values.put(name, List.copyOf(all)));
    }

    /** All given options. */
    public Map<String, List<String>> all() {
        return new LinkedHashMap<>(values);
    }

    /** Whether the option was given, with a value or without. */
    public boolean isGiven(String name) {
        return values.containsKey(name);
    }

    /** All values of the option, in the order given; empty if it was not given. */
    public List<String> texts(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** The option's value, the first if there are several, or null if it was not given. */
    public @Nullable String text(String name) {
        List<String> given = values.get(name);
        return given == null ? null : given.getFirst();
    }

    /**
     * The option's value as a whole number, which may be written in hexadecimal with 0x in front.
     *
     * @param otherwise the default
     * @throws WrongOptionException it is not a number from {@code least} to {@code most}
     */
    public long number(String name, long otherwise, long least, long most) throws WrongOptionException {
        String given = text(name);
        if (given == null) return otherwise;
        try {
            long number = Long.decode(given);
            if (number >= least && number <= most) return number;
        } catch (NumberFormatException e) {
            throw wrongNumber(name, given, least, most);
        }
        throw wrongNumber(name, given, least, most);
    }

    private static WrongOptionException wrongNumber(String name, String given, long least, long most) {
        return new WrongOptionException("%s=%s: give a number from %d to %d".formatted(name, given, least, most));
    }

    /**
     * The option's value as a path, or null if it was not given.
     *
     * @throws WrongOptionException no file system has such a path
     */
    public @Nullable Path path(String name) throws WrongOptionException {
        String given = text(name);
        if (given == null) return null;
        try {
            if (!given.isEmpty()) return Path.of(given);
        } catch (InvalidPathException e) {
            throw new WrongOptionException("%s is not a path: %s".formatted(name, e.getMessage()));
        }
        throw new WrongOptionException(name + " is empty: give a path");
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
