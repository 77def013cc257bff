package sluice.guest.bench;

import java.util.List;
import java.util.Locale;

import com.google.gson.JsonObject;

/** The distribution of several rounds. */
record Spread(double median, double least, double most) {

    /** @param values at least one */
    static Spread of(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        double median = sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
        return new Spread(median, sorted.getFirst(), sorted.getLast());
    }

    /** The median, with minimum and maximum in parentheses; about three digits each. */
    String text() {
        return "%s (%s–%s)".formatted(number(median), number(least), number(most));
    }

    JsonObject json() {
        JsonObject json = new JsonObject();
        json.addProperty("median", median);
        json.addProperty("least", least);
        json.addProperty("most", most);
        return json;
    }

    static String number(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    }
}
