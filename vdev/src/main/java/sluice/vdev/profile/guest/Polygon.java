package sluice.vdev.profile.guest;

/** A convex polygon, from a square that half-planes are cut out of. */
final class Polygon {
    /** Rounding: cuts that miss by less leave a point. */
    private static final double NEAR = 1e-3;

    private double[] xs;
    private double[] ys;
    private int corners;
    private double[] nextXs = new double[16];
    private double[] nextYs = new double[16];

    /** A square. */
    Polygon(double low, double high) {
        xs = new double[]{ low, high, high, low };
        ys = new double[]{ low, low, high, high };
        corners = 4;
    }

    /**
     * Keeps the points with {@code a * x + b * y >= c}.
     *
     * @return 0, or by how much the nearest point misses if none is left; then nothing has changed
     */
    double keep(double a, double b, double c) {
        double best = Double.NEGATIVE_INFINITY;
        double worst = Double.POSITIVE_INFINITY;
        for (int i = 0; i < corners; i++) {
            double over = a * xs[i] + b * ys[i] - c;
            best = Math.max(best, over);
            worst = Math.min(worst, over);
        }
        if (best < -NEAR) return -best;
        if (worst >= 0) return 0;
        if (nextXs.length < corners + 2) {
            nextXs = new double[2 * corners + 2];
            nextYs = new double[2 * corners + 2];
        }
        double limit = Math.min(0, best);
        int kept = 0;
        for (int i = 0; i < corners; i++) {
            int next = (i + 1) % corners;
            double here = a * xs[i] + b * ys[i] - c - limit;
            double there = a * xs[next] + b * ys[next] - c - limit;
            if (here >= 0) kept = add(kept, xs[i], ys[i]);
            if (here < 0 != there < 0 && here != there) {
                double share = here / (here - there);
                kept = add(kept, xs[i] + share * (xs[next] - xs[i]), ys[i] + share * (ys[next] - ys[i]));
            }
        }
        double[] oldXs = xs;
        double[] oldYs = ys;
        xs = nextXs;
        ys = nextYs;
        nextXs = oldXs;
        nextYs = oldYs;
        corners = kept;
        return 0;
    }

    /** Corners that rounding would tell apart only are one. */
    private int add(int kept, double x, double y) {
        if (kept > 0 && Math.abs(nextXs[kept - 1] - x) < NEAR && Math.abs(nextYs[kept - 1] - y) < NEAR) return kept;
        nextXs[kept] = x;
        nextYs[kept] = y;
        return kept + 1;
    }

    int corners() {
        return corners;
    }

    /** The mean of the corners, which is inside. */
    double middleX() {
        return mean(xs);
    }

    double middleY() {
        return mean(ys);
    }

    private double mean(double[] values) {
        double sum = 0;
        for (int i = 0; i < corners; i++) sum += values[i];
        return sum / corners;
    }

    /**
     * By how much the lines of the corners differ from that of a point, at most.
     *
     * @param at 0 where the lines have the values x, 1 where they have the values y
     */
    double reach(double x, double y, double at) {
        double reach = 0;
        for (int i = 0; i < corners; i++)
            reach = Math.max(reach, Math.abs((xs[i] - x) * (1 - at) + (ys[i] - y) * at));
        return reach;
    }
}
