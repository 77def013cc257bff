package sluice.vdev.gpu;

/**
 * A rectangle of pixels; x and y grow to the right and down. The values are a guest's unsigned 32-bit numbers, stored
 * in longs, so that sums cannot overflow.
 */
public record Rectangle(long x, long y, long width, long height) {
    /** Whether every pixel lies within a picture of {@code pictureWidth} × {@code pictureHeight}. */
    public boolean isWithin(long pictureWidth, long pictureHeight) {
        return x + width <= pictureWidth && y + height <= pictureHeight;
    }

    public boolean isEmpty() {
        return width == 0 || height == 0;
    }

    /** Whether any pixel lies in {@code other} as well. */
    public boolean overlaps(Rectangle other) {
        return Math.max(x, other.x) < Math.min(x + width, other.x + other.width)
                && Math.max(y, other.y) < Math.min(y + height, other.y + other.height);
    }

    /** The intersection with {@code other}; may be empty. This rectangle itself, if it is inside. */
    public Rectangle intersect(Rectangle other) {
        long left = Math.max(x, other.x);
        long top = Math.max(y, other.y);
        long right = Math.min(x + width, other.x + other.width);
        long bottom = Math.min(y + height, other.y + other.height);
        if (left == x && top == y && right == x + width && bottom == y + height) return this;
        return new Rectangle(left, top, Math.max(0, right - left), Math.max(0, bottom - top));
    }

    /** The smallest rectangle around both. */
    public Rectangle union(Rectangle other) {
        long left = Math.min(x, other.x);
        long top = Math.min(y, other.y);
        return new Rectangle(left, top, Math.max(x + width, other.x + other.width) - left,
                Math.max(y + height, other.y + other.height) - top);
    }

    @Override
    public String toString() {
        return "%d×%d at %d,%d".formatted(width, height, x, y);
    }
}
