package sluice.vdev.media;

import java.util.EnumMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaCore;
import sluice.vdev.queue.Chain;

/** The names of commands in the trace: an ioctl has its own. */
final class CommandNames {
    private final Map<Ioctl, Integer> ioctls = new EnumMap<>(Ioctl.class);
    private final int open;
    private final int close;
    private final int map;
    private final int unmap;
    private final int unknown;

    /** Gives each command a number. */
    CommandNames(DmaCore core) {
        for (Ioctl ioctl : Ioctl.values()) ioctls.put(ioctl, core.named(ioctl.name()));
        open = core.named("OPEN");
        close = core.named("CLOSE");
        map = core.named("MMAP");
        unmap = core.named("MUNMAP");
        unknown = core.named("unknown command");
    }

    /** Names a request. */
    void give(Chain chain, @Nullable Command command) {
        chain.setName(switch (command) {
            case Command.Open _ -> open;
            case Command.Close _ -> close;
            case Command.Control control -> number(control.ioctl());
            case Command.Mmap _ -> map;
            case Command.Munmap _ -> unmap;
            case null -> unknown;
        });
    }

    private int number(@Nullable Ioctl ioctl) {
        Integer number = ioctl == null ? null : ioctls.get(ioctl);
        return number == null ? unknown : number;
    }
}
