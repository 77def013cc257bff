package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.ownership.Direction;

/** Draws programs that keep no rule: any call at any time, of any range. */
final class WildPrograms {
    private final SplittableRandom chance;
    private final Layout layout;
    private final List<Step> steps = new ArrayList<>();
    private final List<Step.Begin> begun = new ArrayList<>();
    private int accesses;

    private WildPrograms(long seed) {
        chance = new SplittableRandom(seed);
        layout = new Layout(new SettingDraw(chance).draw());
    }

    static Program draw(long seed) {
        WildPrograms drawn = new WildPrograms(seed);
        drawn.all();
        return new Program(seed, drawn.layout, List.copyOf(drawn.steps));
    }

    private void all() {
        int attachments = layout.setting().attachments().size();
        for (int a = 0; a < attachments; a++) {
            if (one(6)) continue;
            steps.add(new Step.Attach(a));
            if (!one(3)) steps.add(map(a));
        }
        int count = 3 + chance.nextInt(20);
        for (int i = 0; i < count; i++) steps.add(any(chance.nextInt(attachments)));
    }

    private boolean one(int in) {
        return chance.nextInt(in) == 0;
    }

    private Direction direction() {
        return one(2) ? Direction.BIDIRECTIONAL : List.of(Direction.values()).get(chance.nextInt(3));
    }

    private Step.Map map(int a) {
        return new Step.Map(a, direction(), one(8) ? Mode.SKIP : one(12) ? Mode.KEEPS : Mode.PLAIN);
    }

    private Step any(int a) {
        int buffer = layout.setting().attachments().get(a).buffer();
        int size = layout.places(buffer, false).length;
        int from = one(2) ? 0 : one(2) ? chance.nextInt(size) : chance.nextInt(size) / 64 * 64;
        int length = Math.min(size - from, one(2) ? size : 1 + chance.nextInt(size));
        int access = accesses == 0 || one(3) ? accesses++ : Math.max(0, accesses - 1 - chance.nextInt(2));
        return switch (chance.nextInt(20)) {
            case 0, 1, 2 -> new Step.ForDevice(a, from, length, direction());
            case 3, 4, 5 -> new Step.ForCpu(a, from, length, direction());
            case 6, 7, 8 -> new Step.DeviceRead(a, from, length);
            case 9, 10, 11 -> new Step.DeviceWrite(a, from, length);
            case 12 -> seldom(a, buffer);
            case 13 -> map(a);
            case 14 -> begin(access, buffer, from, length);
            case 15 -> inAccess(true);
            case 16 -> inAccess(false);
            case 17 -> end();
            case 18 -> new Step.Load(buffer, from, length);
            default -> one(4) || !isGuests(buffer)
                    ? begin(access, buffer, from, length)
                    : new Step.Store(buffer, from, length);
        };
    }

    private Step seldom(int a, int buffer) {
        return switch (chance.nextInt(8)) {
            case 0 -> new Step.Detach(a);
            case 1 -> new Step.Attach(a);
            case 2, 3 -> new Step.Move(buffer);
            default -> new Step.Unmap(a);
        };
    }

    private boolean isGuests(int buffer) {
        // Enclosed stores only, if declared so: other stores are invisible.
        return layout.setting().buffers().stream().allMatch(shape -> shape.kind() == Kind.GUEST)
                && layout.setting().buffers().get(buffer).kind() == Kind.GUEST;
    }

    private Step begin(int access, int buffer, int from, int length) {
        begun.add(new Step.Begin(access, buffer, from, length, direction()));
        return begun.getLast();
    }

    private Step inAccess(boolean write) {
        if (begun.isEmpty()) return begin(accesses++, 0, 0, layout.places(0, false).length);
        Step.Begin open = begun.get(Math.max(0, begun.size() - 1 - chance.nextInt(2)));
        int from = open.from() + chance.nextInt(open.length());
        int length = 1 + chance.nextInt(open.from() + open.length() - from);
        if (one(8)) {
            from = 0;
            length = layout.places(open.buffer(), false).length;
        }
        return write
                ? new Step.Write(open.access(), open.buffer(), from, length)
                : new Step.Read(open.access(), open.buffer(), from, length);
    }

    private Step end() {
        if (begun.isEmpty()) return begin(accesses++, 0, 0, layout.places(0, false).length);
        return new Step.End(begun.get(chance.nextInt(begun.size())).access());
    }
}
