package sluice.vdev.media;

/** The views of a command's structure, made once. */
final class Views {
    final Struct.FmtDesc fmtDesc;
    final Struct.Format format;
    final Struct.RequestBuffers requestBuffers;
    final Struct.CreateBuffers createBuffers;
    final Struct.RemoveBuffers removeBuffers;
    final Struct.Buffer buffer;
    final Struct.ExportBuffer exportBuffer;
    final Struct.Control control;
    final Struct.ExtControls extControls;
    final Struct.QueryControl queryControl;
    final Struct.QueryExtControl queryExtControl;
    final Struct.QueryMenu queryMenu;
    final Struct.FrameSize frameSize;
    final Struct.Subscription subscription;
    final Struct.Selection selection;
    final Struct.CodecCommand decoderCommand;
    final Struct.CodecCommand encoderCommand;
    final Struct.Parameters parameters;
    private final Payload in;

    Views(Payload in) {
        this.in = in;
        fmtDesc = new Struct.FmtDesc(in, Struct.AT);
        format = new Struct.Format(in, Struct.AT);
        requestBuffers = new Struct.RequestBuffers(in, Struct.AT);
        createBuffers = new Struct.CreateBuffers(in, Struct.AT);
        removeBuffers = new Struct.RemoveBuffers(in, Struct.AT);
        exportBuffer = new Struct.ExportBuffer(in, Struct.AT);
        buffer = new Struct.Buffer(in, Struct.AT);
        control = new Struct.Control(in, Struct.AT);
        extControls = new Struct.ExtControls(in, Struct.AT);
        queryControl = new Struct.QueryControl(in, Struct.AT);
        queryExtControl = new Struct.QueryExtControl(in, Struct.AT);
        queryMenu = new Struct.QueryMenu(in, Struct.AT);
        frameSize = new Struct.FrameSize(in, Struct.AT);
        subscription = new Struct.Subscription(in, Struct.AT);
        selection = new Struct.Selection(in, Struct.AT);
        decoderCommand = new Struct.CodecCommand(in, Struct.AT, Struct.CodecCommand.BYTES);
        encoderCommand = new Struct.CodecCommand(in, Struct.AT, Struct.ENCODER_COMMAND_BYTES);
        parameters = new Struct.Parameters(in, Struct.AT);
    }

    /** The number of STREAMON and STREAMOFF: a type of buffers. */
    int number() {
        return in.u32(Struct.AT);
    }
}
