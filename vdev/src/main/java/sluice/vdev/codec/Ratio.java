package sluice.vdev.codec;

/**
 * A positive fraction.
 *
 * @param numerator 1 or more
 * @param denominator 1 or more
 */
public record Ratio(int numerator, int denominator) {
    /** @throws IllegalArgumentException it is not positive */
    public Ratio {
        if (numerator < 1 || denominator < 1)
            throw new IllegalArgumentException("%d/%d is not a positive fraction".formatted(numerator, denominator));
    }

    @Override
    public String toString() {
        return numerator + "/" + denominator;
    }
}
