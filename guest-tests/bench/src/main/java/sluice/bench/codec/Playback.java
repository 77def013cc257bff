package sluice.bench.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A session that decodes the clip into MMAP buffers, as a player does that shows each picture at once. */
final class Playback {
    private static final int UNITS = 4;
    /** CAPTURE buffers beyond the least, as players have. */
    private static final int MORE = 2;

    private final MediaGuest guest;
    private final List<MemorySegment> units;
    private final int session;
    private final List<Long> places = new ArrayList<>();
    private int next;
    private int pictures;
    private boolean set;
    private boolean over;

    /** Opens a session and gives it its first units. */
    Playback(MediaGuest guest, Clip clip) throws IOException {
        this.guest = guest;
        units = clip.units();
        session = guest.open();
        guest.require(session, MediaWire.SUBSCRIBE_EVENT, MediaWire.subscription(MediaWire.SOURCE_CHANGE));
        guest.require(session, MediaWire.S_FMT, MediaWire.codedFormat(clip.width(), clip.height(), Clip.UNIT_BYTES));
        guest.require(session, MediaWire.REQBUFS, MediaWire.request(MediaWire.OUTPUT, UNITS));
        for (int i = 0; i < UNITS; i++) {
            ByteBuffer buffer = MediaWire.buffer(MediaWire.OUTPUT, i, 0);
            guest.require(session, MediaWire.QUERYBUF, buffer);
            // The window begins where the arena does, and so do the numbers of planes.
            places.add(buffer.getInt(96) & 0xffff_ffffL);
        }
        guest.require(session, MediaWire.STREAMON, MediaWire.stream(MediaWire.OUTPUT));
        for (int i = 0; i < UNITS; i++) queueUnit(i);
    }

    int session() {
        return session;
    }

    boolean isOver() {
        return over;
    }

    int pictures() {
        return pictures;
    }

    private void queueUnit(int index) throws IOException {
        if (next == units.size()) {
            guest.require(session, MediaWire.DECODER_CMD, MediaWire.command(MediaWire.STOP));
            next++;
        }
        if (next > units.size()) return;
        MemorySegment unit = units.get(next++);
        MemorySegment.copy(unit, 0, guest.arena(), places.get(index), unit.byteSize());
        guest.require(session, MediaWire.QBUF, MediaWire.buffer(MediaWire.OUTPUT, index, (int) unit.byteSize()));
    }

    private void setUp() throws IOException {
        if (set) return;
        set = true;
        ByteBuffer least = MediaWire.control(MediaWire.MIN_BUFFERS_FOR_CAPTURE);
        guest.require(session, MediaWire.G_CTRL, least);
        ByteBuffer request = MediaWire.request(MediaWire.CAPTURE, least.getInt(4) + MORE);
        guest.require(session, MediaWire.REQBUFS, request);
        guest.require(session, MediaWire.STREAMON, MediaWire.stream(MediaWire.CAPTURE));
        for (int i = 0; i < request.getInt(0); i++) queuePicture(i);
    }

    private void queuePicture(int index) throws IOException {
        guest.require(session, MediaWire.QBUF, MediaWire.buffer(MediaWire.CAPTURE, index, 0));
    }

    /** What the device says of this session. */
    void take(ByteBuffer event) throws IOException {
        int kind = event.getInt(0);
        if (kind == MediaWire.EVENT_OTHER) {
            if (event.getInt(8) == MediaWire.SOURCE_CHANGE) setUp();
            return;
        }
        int flags = event.getInt(8 + 12);
        if (kind != MediaWire.EVENT_DQBUF || (flags & MediaWire.FLAG_ERROR) != 0)
            throw new IOException("the device fails to decode, after %d pictures".formatted(pictures));
        int index = event.getInt(8);
        if (event.getInt(8 + 4) == MediaWire.OUTPUT) {
            queueUnit(index);
            return;
        }
        if (event.getInt(8 + 88) > 0) pictures++;
        over = (flags & MediaWire.FLAG_LAST) != 0;
        if (!over) queuePicture(index);
    }

    void close() throws IOException {
        guest.close(session);
    }
}
