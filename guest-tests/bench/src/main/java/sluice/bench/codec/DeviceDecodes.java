package sluice.bench.codec;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** The device, with a client on the calling thread, whose own time does not count. */
record DeviceDecodes(MediaGuest guest, Clip clip) implements Subject {
    @Override
    public void decode(int streams) throws IOException {
        Map<Integer, Playback> open = new HashMap<>();
        for (int i = 0; i < streams; i++) {
            Playback playback = new Playback(guest, clip);
            open.put(playback.session(), playback);
        }
        while (!open.isEmpty()) {
            ByteBuffer event = guest.event();
            Playback playback = open.get(event.getInt(4));
            // Buffers of units may come back after the last picture.
            if (playback == null) continue;
            playback.take(event);
            if (!playback.isOver()) continue;
            open.remove(playback.session());
            playback.close();
            if (playback.pictures() != clip.units().size())
                throw new IOException("the device decodes %d pictures of %d".formatted(playback.pictures(),
                        clip.units().size()));
        }
    }

    @Override
    public long foreignCpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }
}
