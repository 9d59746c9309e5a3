//! `new`: begins a plugin project and says what to do next.

use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::console::{Console, Style};
use super::exit::Exit;
use crate::building::languages::{LANGUAGES, Language};
use crate::projects;

/// Begin a plugin project: a sample under a name of its own, ready to build, test and serve
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  jackfield new shout --lang rust
  jackfield new doorman --lang rust --template auth
  cd shout && jackfield up                  builds it, serves it, and takes over what you save")]
pub(super) struct NewArgs {
    /// The plugin's name, and that of its new folder: lower case letters, digits and '-'
    #[arg(value_name = "NAME")]
    name: String,

    /// The language
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(LANGUAGES.iter().map(|each| each.id)))]
    lang: String,

    /// The sample to begin with: echo in every language, and more in some
    #[arg(long, value_name = "SAMPLE")]
    template: Option<String>,
}

/// Begins the project in this folder.
pub(super) fn new(arguments: &NewArgs, console: &Console) -> Exit {
    let Some(language) = LANGUAGES.iter().find(|each| each.id == arguments.lang) else {
        return Exit::Usage;
    };
    match create(arguments, language) {
        Ok(text) => {
            console.print(&text(console));
            Exit::Ok
        }
        Err(error) => {
            console.error(&error.to_string());
            Exit::Refused
        }
    }
}

fn create(
    arguments: &NewArgs,
    language: &'static Language,
) -> Result<impl Fn(&Console) -> String, projects::NewError> {
    let name = arguments.name.clone();
    let template = projects::template(language, arguments.template.as_deref())?;
    projects::create(Path::new(""), &name, language, template)?;
    Ok(move |console: &Console| {
        let title = console.out(Style::Green, &name);
        let (language, does) = (language.name, template.does);
        format!(
            "{title}: a plugin in {language} that {does}

  cd {name}
  jackfield up       builds it, serves it on ws://127.0.0.1:9000/, and takes over what you save
  jackfield test     plays its transcripts against it
"
        )
    })
}
