package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Setting.Piece;
import sluice.dmacore.laws.Setting.Port;
import sluice.dmacore.laws.Setting.Shape;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.ownership.Flavour;

/** Draws machines: up to three buffers, which may share lines, and two to five attachments of three devices. */
final class SettingDraw {
    private static final int PAGE = 4096;

    private final RandomGenerator chance;

    SettingDraw(RandomGenerator chance) {
        this.chance = chance;
    }

    Setting draw() {
        Flavour flavour = one(6) ? Flavour.COHERENT : chance.nextInt(2) == 0 ? Flavour.ARM64 : Flavour.ARC;
        Eviction eviction = switch (chance.nextInt(4)) {
            case 0 -> new Eviction.Eager();
            case 1 -> new Eviction.Seeded(chance.nextInt(1000), 1 + chance.nextInt(4));
            default -> new Eviction.Lazy();
        };
        List<Shape> buffers = new ArrayList<>();
        buffers.add(first());
        while (buffers.size() < 3 && chance.nextInt(5) < 2)
            buffers.add(another(buffers.getFirst()));
        List<Port> attachments = new ArrayList<>();
        int count = 2 + chance.nextInt(4);
        while (attachments.size() < count)
            attachments.add(port(buffers));
        return new Setting(flavour, eviction, List.copyOf(buffers), List.copyOf(attachments));
    }

    private boolean one(int in) {
        return chance.nextInt(in) == 0;
    }

    private Shape first() {
        if (one(12)) return vram();
        Kind kind = one(2) ? Kind.GUEST : one(3) ? Kind.MOVABLE : Kind.TOLD;
        List<Piece> pieces = new ArrayList<>();
        int count = 1 + chance.nextInt(3);
        for (int i = 0; i < count; i++) pieces.add(new Piece(0, i * PAGE + offset(), length()));
        if (kind != Kind.MOVABLE && one(12)) pieces.add(pieces.getFirst());
        return new Shape(kind, List.copyOf(pieces), kind == Kind.MOVABLE ? elsewhere(pieces) : List.of());
    }

    private int offset() {
        return one(2) ? 0 : one(2) ? 64 * chance.nextInt(4) : 100;
    }

    private int length() {
        return switch (chance.nextInt(4)) {
            case 0 -> 100;
            case 1 -> 64 * (1 + chance.nextInt(4));
            case 2 -> 1 + chance.nextInt(200);
            default -> 300;
        };
    }

    /** Of the same length, in unused memory. */
    private static List<Piece> elsewhere(List<Piece> pieces) {
        List<Piece> other = new ArrayList<>();
        for (Piece piece : pieces) other.add(new Piece(1, piece.offset(), piece.length()));
        return List.copyOf(other);
    }

    private Shape vram() {
        return new Shape(Kind.DEVICE, List.of(new Piece(Setting.DEVICE_FILE, offset(), length())), List.of());
    }

    /** A second buffer: over the same pages, over a part of them, beside them, or apart. */
    private Shape another(Shape first) {
        if (first.kind() == Kind.DEVICE || one(12)) return one(2) ? vram() : apart();
        // Pages of a moved buffer are reused by others, which must enclose their stores.
        Kind kind = first.kind() != Kind.MOVABLE && one(2) ? Kind.GUEST : Kind.TOLD;
        Piece piece = first.pieces().getFirst();
        return switch (chance.nextInt(4)) {
            case 0 -> new Shape(kind, first.pieces(), List.of());
            case 1 -> new Shape(kind, List.of(new Piece(piece.file(), piece.offset() + piece.length() / 2,
                    length())), List.of());
            case 2 -> new Shape(kind, List.of(new Piece(piece.file(), piece.offset() + piece.length(), length())),
                    List.of());
            default -> apart();
        };
    }

    private Shape apart() {
        Kind kind = one(2) ? Kind.GUEST : Kind.TOLD;
        return new Shape(kind, List.of(new Piece(1, 2048 + offset(), length())), List.of());
    }

    private Port port(List<Shape> buffers) {
        int buffer = one(3) ? chance.nextInt(buffers.size()) : 0;
        Shape shape = buffers.get(buffer);
        boolean bounced = one(6) && isBounceable(shape);
        boolean dynamic = !bounced && shape.kind() == Kind.MOVABLE && one(2);
        return new Port(buffer, chance.nextInt(3), chance.nextInt(5) < 2, bounced, dynamic, one(3));
    }

    /** Whether it has several segments and no byte twice: a copy of it would have two. */
    private static boolean isBounceable(Shape shape) {
        return shape.kind() != Kind.DEVICE && shape.pieces().size() > 1 && shape.pieces().stream().distinct()
                .count() == shape.pieces().size();
    }
}
