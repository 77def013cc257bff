package sluice.vdev.device;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;

/** The screens of a process's devices, which viewers reach through its console. Thread-safe. */
public final class Screens {
    /** Serves viewers of a device's screens by a protocol of its own. */
    @FunctionalInterface
    public interface Server {
        /**
         * Serves a viewer, which need not prove who it is.
         *
         * @param screen number of the screen
         * @param connection to the viewer, a UNIX stream socket; taken over
         * @param viewer for the log
         */
        void serve(int screen, Fd connection, String viewer);
    }

    /**
     * A screen.
     *
     * @param device its name
     * @param number among the device's screens, from 0
     */
    public record Screen(String device, int number, Server server) {}

    private final List<Screen> all = new ArrayList<>();

    /** Adds the screens of a device. */
    public synchronized void add(String device, int count, Server server) {
        for (int number = 0; number < count; number++) all.add(new Screen(device, number, server));
    }

    /** Those of all devices, in the order of their creation. */
    public synchronized List<Screen> all() {
        return List.copyOf(all);
    }

    /** A screen, or null if there is none. */
    public synchronized @Nullable Screen find(String device, int number) {
        for (Screen screen : all) if (screen.number == number && screen.device.equals(device)) return screen;
        return null;
    }
}
