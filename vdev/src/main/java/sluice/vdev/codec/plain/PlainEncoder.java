package sluice.vdev.codec.plain;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;

/** An encoder of {@link PlainDecoder}'s coding: each unit has the whole picture. */
public final class PlainEncoder implements Encoder {
    private final PictureFormat format;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment unit;
    private int order;
    private boolean closed;

    /** For pictures of one format. */
    public PlainEncoder(PictureFormat format) {
        this.format = format;
        unit = arena.allocate(PlainUnit.BYTES + format.bytes());
    }

    @Override
    public void encode(Picture picture, long time, boolean key, PacketSink sink) {
        if (closed) throw new IllegalStateException("the encoder is closed");
        if (!picture.format().equals(format)) throw new IllegalArgumentException(picture.format().toString());
        new PlainUnit(format, true, 0, 0, 0, order++).write(unit);
        Picture copy = Picture.in(unit.asSlice(PlainUnit.BYTES), format);
        for (int i = 0; i < copy.planes().size(); i++) {
            Picture.Plane from = picture.planes().get(i);
            Picture.Plane to = copy.planes().get(i);
            for (int y = 0; y < format.pixels().lines(i, format.height()); y++)
                MemorySegment.copy(from.bytes(), (long) y * from.stride(), to.bytes(), (long) y * to.stride(),
                        to.stride());
        }
        sink.packet(unit.asReadOnly(), time, true);
    }

    @Override
    public void drain(PacketSink sink) {
        // Nothing is kept.
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        arena.close();
    }
}
