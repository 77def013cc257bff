package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.ownership.Direction;

/** Steps that are almost another one. */
final class Variants {
    private Variants() {}

    /** What may stand for a step in a program that is to be read by a person, the simplest first. */
    static List<Step> simpler(Step step, Layout layout) {
        List<Step> all = new ArrayList<>();
        int size = size(step, layout);
        switch (step) {
            case Step.Map s -> {
                if (s.mode() != Mode.PLAIN) all.add(new Step.Map(s.attachment(), s.direction(), Mode.PLAIN));
            }
            case Step.ForDevice s -> {
                if (s.from() != 0 || s.length() != size) all.add(ranged(s, 0, size));
            }
            case Step.ForCpu s -> {
                if (s.from() != 0 || s.length() != size) all.add(ranged(s, 0, size));
            }
            case Step.Begin s -> {
                if (s.from() != 0 || s.length() != size) all.add(ranged(s, 0, size));
            }
            default -> {
            }
        }
        return all;
    }

    /** Bytes of the buffer that a step is about; 0 if it has no range. */
    static int size(Step step, Layout layout) {
        int buffer = switch (step) {
            case Step.ForDevice s -> layout.setting().attachments().get(s.attachment()).buffer();
            case Step.ForCpu s -> layout.setting().attachments().get(s.attachment()).buffer();
            case Step.DeviceRead s -> layout.setting().attachments().get(s.attachment()).buffer();
            case Step.DeviceWrite s -> layout.setting().attachments().get(s.attachment()).buffer();
            case Step.Begin s -> s.buffer();
            case Step.Read s -> s.buffer();
            case Step.Write s -> s.buffer();
            case Step.Load s -> s.buffer();
            case Step.Store s -> s.buffer();
            default -> -1;
        };
        return buffer < 0 ? 0 : layout.places(buffer, false).length;
    }

    static int from(Step step) {
        return switch (step) {
            case Step.ForDevice s -> s.from();
            case Step.ForCpu s -> s.from();
            case Step.DeviceRead s -> s.from();
            case Step.DeviceWrite s -> s.from();
            case Step.Begin s -> s.from();
            case Step.Read s -> s.from();
            case Step.Write s -> s.from();
            case Step.Load s -> s.from();
            case Step.Store s -> s.from();
            default -> 0;
        };
    }

    static int length(Step step) {
        return switch (step) {
            case Step.ForDevice s -> s.length();
            case Step.ForCpu s -> s.length();
            case Step.DeviceRead s -> s.length();
            case Step.DeviceWrite s -> s.length();
            case Step.Begin s -> s.length();
            case Step.Read s -> s.length();
            case Step.Write s -> s.length();
            case Step.Load s -> s.length();
            case Step.Store s -> s.length();
            default -> 0;
        };
    }

    /** The same of another range. */
    static Step ranged(Step step, int from, int length) {
        return switch (step) {
            case Step.ForDevice s -> new Step.ForDevice(s.attachment(), from, length, s.part());
            case Step.ForCpu s -> new Step.ForCpu(s.attachment(), from, length, s.part());
            case Step.DeviceRead s -> new Step.DeviceRead(s.attachment(), from, length);
            case Step.DeviceWrite s -> new Step.DeviceWrite(s.attachment(), from, length);
            case Step.Begin s -> new Step.Begin(s.access(), s.buffer(), from, length, s.direction());
            case Step.Read s -> new Step.Read(s.access(), s.buffer(), from, length);
            case Step.Write s -> new Step.Write(s.access(), s.buffer(), from, length);
            case Step.Load s -> new Step.Load(s.buffer(), from, length);
            case Step.Store s -> new Step.Store(s.buffer(), from, length);
            default -> step;
        };
    }

    /** Every wrong call that is one step away from a right one: another direction, range or mapping, or a transfer skipped. */
    static List<Step> mistakes(Step step, Layout layout) {
        List<Step> all = new ArrayList<>();
        for (Direction direction : Direction.values()) {
            switch (step) {
                case Step.Map s when s.direction() != direction ->
                    all.add(new Step.Map(s.attachment(), direction, s.mode()));
                case Step.ForDevice s when s.part() != direction -> all.add(new Step.ForDevice(s.attachment(), s.from(),
                        s.length(), direction));
                case Step.ForCpu s when s.part() != direction -> all.add(new Step.ForCpu(s.attachment(), s.from(),
                        s.length(), direction));
                case Step.Begin s when s.direction() != direction -> all.add(new Step.Begin(s.access(), s.buffer(),
                        s.from(), s.length(), direction));
                default -> {
                }
            }
        }
        if (step instanceof Step.ForDevice || step instanceof Step.ForCpu || step instanceof Step.Begin)
            ranges(step, layout, all);
        for (int a = 0; a < layout.setting().attachments().size(); a++) others(step, a, layout, all);
        if (step instanceof Step.Map s) {
            for (Mode mode : Mode.values())
                if (mode != s.mode()) all.add(new Step.Map(s.attachment(), s.direction(), mode));
        }
        return all;
    }

    private static void others(Step step, int a, Layout layout, List<Step> all) {
        switch (step) {
            case Step.ForDevice s when s.attachment() != a && fits(s, a, layout) -> all.add(new Step.ForDevice(a,
                    s.from(), s.length(), s.part()));
            case Step.ForCpu s when s.attachment() != a && fits(s, a, layout) -> all.add(new Step.ForCpu(a, s.from(),
                    s.length(), s.part()));
            case Step.Unmap s when s.attachment() != a -> all.add(new Step.Unmap(a));
            default -> {
            }
        }
    }

    private static boolean fits(Step step, int attachment, Layout layout) {
        int buffer = layout.setting().attachments().get(attachment).buffer();
        return from(step) + length(step) <= layout.places(buffer, false).length;
    }

    private static void ranges(Step step, Layout layout, List<Step> all) {
        int from = from(step);
        int length = length(step);
        int size = size(step, layout);
        if (length > 1) {
            all.add(ranged(step, from, length / 2));
            all.add(ranged(step, from + length / 2, length - length / 2));
            all.add(ranged(step, from, length - 1));
            all.add(ranged(step, from + 1, length - 1));
        }
        if (from + length + 64 <= size) all.add(ranged(step, from + 64, length));
        if (from >= 64) all.add(ranged(step, from - 64, length));
        if (from > 0 || length < size) all.add(ranged(step, 0, size));
    }
}
