package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;

/** Steps on a machine. */
record Program(long seed, Layout layout, List<Step> steps) {
    Program with(List<Step> others) {
        return new Program(seed, layout, List.copyOf(others));
    }

    Setting setting() {
        return layout.setting();
    }

    /** As a person reads it: the machine as far as the steps use it, and the steps. */
    String text() {
        List<String> lines = new ArrayList<>();
        Setting setting = setting();
        lines.add("// seed %d: %s, eviction %s".formatted(seed, setting.flavour(), setting.eviction()));
        for (int b = 0; b < setting.buffers().size(); b++) {
            Setting.Shape shape = setting.buffers().get(b);
            if (!mentions("b" + b) && !isAttached(b)) continue;
            lines.add("// b%d: %s of %d bytes: %s%s".formatted(b, shape.kind(), shape.bytes(), shape.pieces(),
                    shape.other().isEmpty() ? "" : ", moved: " + shape.other()));
        }
        for (Step step : steps) {
            if (step instanceof Step.Attach attach) {
                Setting.Port port = setting.attachments().get(attach.attachment());
                lines.add("a%d = b%d.attach%s(%s, %s)%s".formatted(attach.attachment(), port.buffer(),
                        port.bounced() ? "Bouncing" : port.dynamic() ? "Dynamic" : "", port.deviceName(),
                        port.snoops() ? "COHERENT" : "NON_COHERENT", port.addressed() ? " // by address" : ""));
            } else {
                lines.add(step.toString());
            }
        }
        return String.join("\n", lines);
    }

    private boolean mentions(String name) {
        return steps.stream().anyMatch(step -> step.toString().matches(".*\\b" + name + "\\b.*"));
    }

    private boolean isAttached(int buffer) {
        return steps.stream().anyMatch(step -> step instanceof Step.Attach attach
                && setting().attachments().get(attach.attachment()).buffer() == buffer);
    }
}
