// A reference app for SignalR tests. By itself it serves its hubs with plain ASP.NET Core SignalR (the behaviour to
// compare with); with --azure it is an app server of an Azure SignalR Service endpoint, through the published SDK.
using CoreApp;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.Write(AppOptions.Help);
    return 0;
}

AppOptions options;
try
{
    options = AppOptions.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine("coreapp: " + e.Message);
    return 2;
}

var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
builder.WebHost.UseUrls(options.Urls);
builder.Logging.ClearProviders().AddSimpleConsole(o => (o.SingleLine, o.TimestampFormat) = (true, "HH:mm:ss.fff ")).SetMinimumLevel(options.LogLevel)
    .AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
// Hub methods that throw are part of the tests.
if (options.LogLevel >= LogLevel.Warning) builder.Logging.AddFilter("Microsoft.AspNetCore.SignalR.Internal", LogLevel.Critical);
builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(options.GracefulTimeout + 5));
builder.Services.AddSingleton(options).AddSingleton<EventLog>().AddSingleton<LiveConnections>();
builder.Services.AddAuthentication(TestAuthentication.Scheme).AddTestAuthentication();
builder.Services.AddAuthorization();
builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
builder.Services.AddCors(o => o.AddDefaultPolicy(p => p.SetIsOriginAllowed(_ => true).AllowAnyHeader().AllowAnyMethod().AllowCredentials()));
var signalr = builder.Services.AddSignalR(options.Configure);
if (options.MessagePack) signalr.AddMessagePackProtocol();
if (options.UsesAzure) signalr.AddAzureSignalR(options.Configure);

var app = builder.Build();
app.UseCors();
app.UseRouting();
app.UseAuthentication();
app.UseAuthorization();
app.MapHub<TestHub>("/testhub", options.Configure);
app.MapHub<Bench>("/bench", options.Configure);
app.MapHub<SecretHub>("/secret", options.Configure);
app.MapControl();

app.Lifetime.ApplicationStarted.Register(() =>
{
    var urls = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
    Console.WriteLine($"READY {string.Join(' ', urls)} {(options.UsesAzure ? "azure" : "self")}");
});
if (options.ExitOnEof)
    _ = Task.Run(async () =>
    {
        while (await Console.In.ReadLineAsync() is not null) { }
        app.Lifetime.StopApplication();
    });
app.Run();
Console.WriteLine("STOPPED");
return 0;
