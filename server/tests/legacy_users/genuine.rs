//! A genuine ASP.NET Core app whose hubs serve legacy clients, when one is at hand: by itself, and
//! as an app server with the Azure SDK.
