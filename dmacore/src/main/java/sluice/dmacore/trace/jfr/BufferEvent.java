package sluice.dmacore.trace.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * Common fields of all buffer events. They are committed at their end, so JFR's own duration is 0; {@code took} is the
 * duration.
 *
 * <p>Inheritance, because JFR shares fields only through base classes.
 */
@Category({ "Sluice", "Buffers" })
@StackTrace(false)
abstract class BufferEvent extends Event {
    @Label("Kind")
    @Nullable
    String kind;

    @Label("Buffer")
    int buffer;

    @Label("Attachment")
    int attachment;

    @Label("Detail")
    @Description("A DMA direction (0 both, 1 to the device, 2 from the device), or what the kind says")
    int detail;

    @Label("From")
    long from;

    @Label("Length")
    @DataAmount
    long length;

    @Label("Bytes")
    @DataAmount
    long bytes;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;

    @Name("sluice.Lifetime")
    @Label("Buffer Lifetime")
    @Description("A buffer was made, given memory, attached, pinned, moved or revoked, or the opposite")
    static final class Lifetime extends BufferEvent {}

    @Name("sluice.Mapping")
    @Label("Mapping")
    @Description("An attachment was mapped for its device, or unmapped")
    static final class Mapping extends BufferEvent {}

    @Name("sluice.Transfer")
    @Label("Ownership Transfer")
    static final class Transfer extends BufferEvent {}

    @Name("sluice.CpuAccess")
    @Label("CPU Access")
    static final class CpuAccess extends BufferEvent {}

    @Name("sluice.CacheOperation")
    @Label("Cache Operation")
    @Description("Lines were written back or invalidated, or it was not needed")
    static final class CacheOperation extends BufferEvent {}

    @Name("sluice.Copy")
    @Label("Copy")
    @Description("A device copied as its protocol says, a buffer moved, or bytes were bounced")
    static final class Copy extends BufferEvent {}

    @Name("sluice.Translation")
    @Label("Translation")
    @Description("Addresses were translated, or were not, or had to be asked for")
    static final class Translation extends BufferEvent {}

    @Name("sluice.Frame")
    @Label("Frame")
    static final class Frame extends BufferEvent {}

    @Name("sluice.Request")
    @Label("Request")
    @Description("A device has done a request of a queue, returned some to the driver, or shown pixels")
    static final class Request extends BufferEvent {}

    @Name("sluice.Finding")
    @Label("Finding")
    @Description("A rule was broken")
    static final class Finding extends BufferEvent {}

    @Name("sluice.Named")
    @Label("Name")
    @Description("What the number of a buffer or an attachment stands for")
    @Category({ "Sluice", "Buffers" })
    @StackTrace(false)
    static final class Named extends Event {
        @Label("Number")
        int number;

        @Label("Name")
        @Nullable
        String name;
    }
}
